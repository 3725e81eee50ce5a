// SPDX-License-Identifier: MIT

/*
 * libFuzzer entry: a file of the cache whose checksum is right, and then: what was understood of it, written and read
 * again, is the same.
 */

#include <ftw.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "../../tools/symbols_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/fuzz-cache.XXXXXX", path[128];

static int delete(const char *name, const struct stat *status, int kind, struct FTW *where)
{
	return remove(name);
}

static void clean(void)
{
	nftw(directory, delete, 8, FTW_DEPTH | FTW_PHYS);
}

static void prepare(void)
{
	if (path[0])
		return;
	if (!mkdtemp(directory))
		abort();
	atexit(clean);
	setenv("XDG_CACHE_HOME", directory, 1);
	unsetenv("HEAPTRACE_CACHE");
	unsetenv("HEAPTRACE_CACHE_BYTES");
	snprintf(path, sizeof(path), "%s/heaptrace", directory);
	if (mkdir(path, 0700))
		abort();
	snprintf(path, sizeof(path), "%s/heaptrace/first.lines", directory);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void compare(const struct place *a, const struct place *b)
{
	if (a->address != b->address || a->count != b->count)
		abort();
	for (size_t i = 0; i < a->count; i++) {
		if (!same(a->lines[i].function, b->lines[i].function) || !same(a->lines[i].file, b->lines[i].file) ||
		    a->lines[i].line != b->lines[i].line)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct place *places, *again;
	size_t count, count_again;
	FILE *file;

	prepare();
	file = fopen(path, "w");
	if (!file)
		abort();
	fprintf(file, "heaptrace lines 2 %08lx %zu\n", crc32(crc32(0, Z_NULL, 0), data, (uInt)size), size);
	fwrite(data, 1, size, file);
	fclose(file);
	places = cache_load("first", &count);
	cache_save("second", places, count);
	again = cache_load("second", &count_again);
	if (count != count_again)
		abort();
	for (size_t i = 0; i < count; i++)
		compare(&places[i], &again[i]);
	cache_free(places, count);
	cache_free(again, count_again);
	return 0;
}
