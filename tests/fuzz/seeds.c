// SPDX-License-Identifier: MIT

/* Valid inputs to begin with: seeds DIRECTORY writes DIRECTORY/TARGET/seed of the targets that take segments. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../tools/history.h"
#include "../../tools/slice_code.h"
#include "../lib/build_segment.h"
#include "../lib/build_stream.h"

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

/** As fuzz_history.c reads it: two points, three slices. */
static void write_history(FILE *out)
{
	struct history *history = history_new(1000000000);
	struct ht_timeline *timeline;
	struct ht_slices *slices;

	history->slice_interval_ns = 1000000000;
	for (uint64_t i = 1; i <= 3; i++) {
		struct slice_writer writer = { 0 };

		if (i < 3)
			history_add(history, &(struct timeline_point) { .ns = i * 1000000000, .live_bytes = i * 100 });
		for (uint32_t trace = 1; trace < 6; trace += (uint32_t)i)
			slice_write(&writer, &(struct slice_delta) { trace, 1, 10, i % 2, i % 2 * 10 });
		history_add_slice(history, i * 1000000000, i, writer.bytes, writer.size);
	}
	timeline = history_timeline_chunk(history, 1);
	slices = history_slices_chunk(history, 1);
	fputc((int)((timeline->head.size - sizeof(struct ht_chunk)) / 8), out);
	fwrite(&timeline->head + 1, 1, timeline->head.size - sizeof(struct ht_chunk), out);
	fwrite(&slices->head + 1, 1, slices->head.size - sizeof(struct ht_chunk), out);
	free(timeline);
	free(slices);
	history_free(history);
}

static void write_stream(FILE *out)
{
	struct built_stream built = stream_seed();

	fwrite(built.bytes, 1, built.size, out);
	free(built.bytes);
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
	out = open_seed(argv[1], "history");
	write_history(out);
	fclose(out);
	out = open_seed(argv[1], "stream");
	write_stream(out);
	fclose(out);
	build_free(&built);
	return 0;
}
