// SPDX-License-Identifier: MIT

/* See render_bytes.h. */

#include "render_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "../../tools/report.h"
#include "../../tools/snapshot.h"
#include "../../tools/symbols.h"

#define MOST_PROCESSES 8

/** The bytes in a memfd; pages of zeros are holes, as in a live segment. */
static int file_of(const uint8_t *data, size_t size)
{
	static const uint8_t zeros[4096];
	int fd = memfd_create("bytes", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		abort();
	for (size_t at = 0; at < size; at += sizeof(zeros)) {
		size_t part = size - at < sizeof(zeros) ? size - at : sizeof(zeros);

		if (memcmp(data + at, zeros, part) != 0 && pwrite(fd, data + at, part, (off_t)at) != (ssize_t)part)
			abort();
	}
	return fd;
}

/** Put a snapshot's checksum right. */
static void correct_checksum(int fd, const uint8_t *data, size_t size)
{
	size_t place = offsetof(struct ht_header, checksum);
	struct ht_header header;
	uint32_t zero = 0, sum;
	uLong crc;

	if (size < sizeof(header))
		return;
	memcpy(&header, data, sizeof(header));
	if (header.kind != HT_SNAPSHOT)
		return;
	crc = crc32(crc32(0, Z_NULL, 0), data, (uInt)place);
	crc = crc32(crc, (uint8_t *)&zero, sizeof(zero));
	sum = (uint32_t)crc32(crc, data + place + sizeof(zero), (uInt)(size - place - sizeof(zero)));
	if (pwrite(fd, &sum, sizeof(sum), (off_t)place) != sizeof(sum))
		abort();
}

/** Filtered, grouped, with recursion folded: another way each time, because all of them would take long. */
static void render_views(FILE *out, struct model **models, size_t count, struct options *options)
{
	static const enum report_format formats[] = { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };
	static unsigned turn;
	struct report_occasion occasion = { .final = true };

	options->filters.not_through = (struct patterns) { .texts = { "^m*c$" }, .count = 1 };
	options->filters.module = (struct patterns) { .texts = { "e", "[" }, .count = 2 };
	options->group = GROUP_FUNCTION + turn % 4;
	options->format = formats[turn / 3 % 3];
	options->fold_recursion = turn++ & 1;
	if (options->format != FORMAT_TEXT)
		report_document(out, models, count, options);
	else if (count)
		report_text(out, models[0], options, &occasion);
}

static void render(struct model **models, size_t count)
{
	struct report_occasion occasion = { .final = true };
	struct options options;
	FILE *out = fopen("/dev/null", "w");

	options_defaults(&options);
	options.lines = false;
	options.quiet = true;
	for (size_t i = 0; i < count; i++)
		report_text(out, models[i], &options, &occasion);
	for (options.format = FORMAT_COLLAPSED; options.format <= FORMAT_MASSIF; options.format++)
		report_document(out, models, count, &options);
	render_views(out, models, count, &options);
	fclose(out);
	for (size_t i = 0; i < count; i++)
		model_free(models[i]);
	symbols_forget();
}

static size_t render_all(const struct snapshot *snapshot)
{
	struct model *models[MOST_PROCESSES];
	uint32_t numbers[MOST_PROCESSES];
	size_t count = snapshot_processes(snapshot, numbers, MOST_PROCESSES), made = 0;
	struct error error;

	if (count > MOST_PROCESSES)
		count = MOST_PROCESSES;
	for (size_t i = 0; i < count; i++) {
		models[made] = snapshot_model(snapshot, numbers[i], NULL, &error);
		made += models[made] != NULL;
	}
	render(models, made);
	if (snapshot_save(snapshot, numbers, NULL, count, "/dev/null", &error))
		abort();
	return made;
}

size_t render_bytes(const uint8_t *data, size_t size)
{
	int fd = file_of(data, size);
	struct snapshot *snapshot;
	struct error error = { "" };
	size_t count = 0;

	correct_checksum(fd, data, size);
	snapshot = snapshot_read(fd, "bytes", &error);
	if (snapshot)
		count = render_all(snapshot);
	else if (!error.text[0])
		abort(); /* a refusal without a reason */
	snapshot_close(snapshot);
	close(fd);
	return count;
}
