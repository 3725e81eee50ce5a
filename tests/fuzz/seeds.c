// SPDX-License-Identifier: MIT

/* Valid inputs to begin with: seeds DIRECTORY writes DIRECTORY/TARGET/seed of the targets that take segments. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../lib/build_segment.h"

static FILE *open_seed(const char *directory, const char *target)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, target);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/seed", directory, target);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

static size_t length_without_zeros(const uint8_t *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return size;
}

/** As granules.h reads it. */
static void write_granules(FILE *out, const struct built *built)
{
	for (uint64_t at = 0; at < built->header->used; at += HT_GRANULE) {
		size_t length = length_without_zeros(built->bytes + at, HT_GRANULE - 1);

		fputc((int)(length & 0xff), out);
		fputc((int)(length >> 8), out);
		fwrite(built->bytes + at, 1, length, out);
	}
}

int main(int argc, char **argv)
{
	struct built built = build_seed();
	const uint8_t *records = (const uint8_t *)build_module_at(&built, 1);
	FILE *out;

	if (argc != 2)
		return 2;
	out = open_seed(argv[1], "segment");
	write_granules(out, &built);
	fclose(out);
	out = open_seed(argv[1], "diff");
	write_granules(out, &built);
	fclose(out);
	out = open_seed(argv[1], "modules");
	fwrite(records, 1, length_without_zeros(records, HT_GRANULE - sizeof(struct ht_chunk)), out);
	fclose(out);
	build_free(&built);
	return 0;
}
