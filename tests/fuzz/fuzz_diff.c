// SPDX-License-Identifier: MIT

/* libFuzzer entry: a segment, in the form of granules.h, compared with a sound one, which it may resemble, and with itself. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/diff.h"
#include "../../tools/symbols.h"
#include "../lib/build_segment.h"
#include "granules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A path to bytes; *fd is to be closed. Granules of zeros are holes. */
static const char *path_to(const uint8_t *bytes, size_t size, int *fd)
{
	static const uint8_t zeros[HT_GRANULE];
	static char path[64];

	*fd = memfd_create("segment", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)size))
		abort();
	for (size_t at = 0; at < size; at += HT_GRANULE) {
		if (memcmp(bytes + at, zeros, HT_GRANULE) && pwrite(*fd, bytes + at, HT_GRANULE, (off_t)at) != HT_GRANULE)
			abort();
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	return path;
}

static int read_file(struct diff_file *file, const uint8_t *bytes, size_t size)
{
	struct error error = { "" };
	int fd, status = models_read(&file->models, path_to(bytes, size, &fd), &error);

	file->path = file->label = "file";
	close(fd);
	if (status && !error.text[0])
		abort(); /* a refusal without a reason */
	return status || !file->models.count ? -1 : 0;
}

static void compare(struct diff_file *files, size_t count, enum flame_metric metric)
{
	struct options options;
	struct diff diff = { .files = files, .file_count = count, .options = &options };
	FILE *out = fopen("/dev/null", "w");

	options_defaults(&options);
	options.lines = false;
	options.metric = metric;
	diff_make(&diff);
	diff_text(out, &diff, &options, false);
	diff_json(out, &diff, &options, false);
	diff_collapsed(out, &diff, &options, false);
	diff_free(&diff);
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct built sound;
	struct diff_file files[3] = { 0 };
	const uint8_t *segment;
	size_t length = granules_spread(data, size, &segment), count = 0;

	if (!sound.bytes)
		sound = build_seed();
	if (read_file(&files[0], sound.bytes, sound.header->used))
		abort();
	while (++count < 3 && !read_file(&files[count], segment, length))
		;
	if (count == 3)
		compare(files, 3, (enum flame_metric)(size % 3));
	for (size_t i = 0; i < 3; i++)
		models_free(&files[i].models);
	symbols_forget();
	return 0;
}
