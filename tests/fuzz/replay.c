// SPDX-License-Identifier: MIT

/*
 * A fuzz target without libFuzzer: the inputs that are kept, and the shortest ones, once each. What a fuzzer has found
 * stays found. Arguments are files to be tried instead.
 */

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../lib/tap.h"

#define LARGEST ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const char *path)
{
	uint8_t *bytes = malloc(LARGEST), *exact;
	FILE *file = fopen(path, "r");
	size_t size = file ? fread(bytes, 1, LARGEST, file) : 0;

	if (file)
		fclose(file);
	exact = malloc(size ? size : 1); /* so that the sanitizer sees its end */
	memcpy(exact, bytes, size);
	free(bytes);
	diag("%s", path); /* if it crashes, this is the last word */
	LLVMFuzzerTestOneInput(exact, size);
	ok(file && size, "%s: %zu bytes", path, size);
	free(exact);
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void try_all(const char *directory)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_file, alphasort);

	ok(count > 0, "%d inputs in %s", count, directory);
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		try(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		try(argv[i]);
	if (argc == 1) {
		LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
		for (unsigned i = 0; i < 256; i++)
			LLVMFuzzerTestOneInput(&(uint8_t) { (uint8_t)i }, 1);
		ok(true, "the shortest inputs");
		try_all(CORPUS);
	}
	return tap_done();
}
