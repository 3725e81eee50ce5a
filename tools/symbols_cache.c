// SPDX-License-Identifier: MIT

/*
 * What addr2line said, kept on disk: see symbols_cache.h. A file is a line "heaptrace lines 2 CRC SIZE\n" and SIZE bytes of
 * strings with their NULs: for each address "HEX COUNT", then COUNT times function, file and line.
 */

#include "symbols_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "memory.h"

#define LARGEST_FILE (32u << 20)
#define USUAL_BOUND (128u << 20)
#define MOST_LINES 1000
#define HEAD "heaptrace lines 2 "

static bool is_off(void)
{
	const char *value = getenv("HEAPTRACE_CACHE");

	return value && (!strcmp(value, "off") || !strcmp(value, "0") || !strcmp(value, "no"));
}

/** A directory that belongs to us and that nobody else can write to; with `make`, make it. */
static bool is_ours(const char *path, bool make)
{
	struct stat status;

	if (make && mkdir(path, 0700) && errno != EEXIST)
		return false;
	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
	       !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/** The cache's directory, to be freed; NULL if there is none to be had. */
static char *cache_directory(bool make)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *parent = NULL, *path = NULL;

	if (is_off())
		return NULL;
	if (cache && *cache == '/')
		parent = memory_copy_string(cache);
	else if (home && *home == '/' && is_ours(home, false))
		parent = memory_format("%s/.cache", home);
	if (!parent)
		return NULL;
	if (make)
		mkdir(parent, 0700);
	path = memory_format("%s/heaptrace", parent);
	free(parent);
	if (is_ours(path, make))
		return path;
	free(path);
	return NULL;
}

static char *file_path(const char *directory, const char *key)
{
	char *path = memory_format("%s/%s.lines", directory, key), *slash;

	while ((slash = strchr(path + strlen(directory) + 1, '/')))
		*slash = '_';
	return path;
}

/** The file's content behind its first line, checked; to be freed. */
static char *read_body(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned long long bytes = 0;
	unsigned sum = 0;
	struct stat status;
	char line[64], *body = NULL;

	if (!file)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == geteuid() &&
	    fgets(line, sizeof(line), file) && sscanf(line, HEAD "%8x %llu", &sum, &bytes) == 2 && bytes <= LARGEST_FILE) {
		body = memory_zeroed(bytes + 1, 1);
		if (fread(body, 1, bytes, file) != bytes || fgetc(file) != EOF ||
		    crc32(crc32(0, Z_NULL, 0), (uint8_t *)body, (uInt)bytes) != sum) {
			free(body);
			body = NULL;
		} else {
			futimens(fd, NULL); /* used now: the last to go */
		}
	}
	fclose(file);
	*size = bytes;
	return body;
}

/** The next string of the body, or NULL. */
static const char *next_string(const char **at, const char *end)
{
	const char *string = *at;
	size_t length = strnlen(string, (size_t)(end - string));

	if (string + length >= end)
		return NULL;
	*at = string + length + 1;
	return string;
}

static char *copy_or_null(const char *string)
{
	return *string ? memory_copy_string(string) : NULL;
}

/** @return false at the end, or where the body makes no sense */
static bool read_place(struct place *place, const char **at, const char *end)
{
	const char *head = next_string(at, end);
	unsigned count;

	*place = (struct place) { .address = 0 };
	if (!head || sscanf(head, "%" SCNx64 " %u", &place->address, &count) != 2 || count > MOST_LINES)
		return false;
	place->lines = memory_zeroed(count, sizeof(*place->lines));
	for (; place->count < count; place->count++) {
		const char *function = next_string(at, end);
		const char *file = function ? next_string(at, end) : NULL, *line = file ? next_string(at, end) : NULL;

		if (!line)
			break;
		place->lines[place->count] = (struct line) { copy_or_null(function), copy_or_null(file),
							     (unsigned)strtoul(line, NULL, 10) };
	}
	if (place->count == count)
		return true;
	place_clear(place);
	return false;
}

struct place *cache_load(const char *key, size_t *count)
{
	char *directory = cache_directory(false), *path = directory ? file_path(directory, key) : NULL;
	size_t size = 0, room = 0;
	char *body = path ? read_body(path, &size) : NULL;
	const char *at = body;
	struct place *places = NULL;
	struct place place;

	*count = 0;
	while (body && read_place(&place, &at, body + size)) {
		places = memory_grow(places, *count, &room, sizeof(*places));
		places[(*count)++] = place;
	}
	free(body);
	free(path);
	free(directory);
	return places;
}

void cache_free(struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++)
		place_clear(&places[i]);
	free(places);
}

static char *make_body(const struct place *places, size_t count, size_t *size)
{
	char *body = NULL;
	FILE *out = open_memstream(&body, size);

	for (size_t i = 0; out && i < count; i++) {
		fprintf(out, "%" PRIx64 " %zu%c", places[i].address, places[i].count, 0);
		for (size_t j = 0; j < places[i].count; j++) {
			const struct line *line = &places[i].lines[j];

			fprintf(out, "%s%c%s%c%u%c", line->function ? line->function : "", 0, line->file ? line->file : "", 0,
				line->line, 0);
		}
	}
	if (out)
		fclose(out);
	return body;
}

static bool write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno != EINTR)
			return false;
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

static void write_file(const char *path, const char *body, size_t size)
{
	char *aside = memory_format("%s.XXXXXX", path), head[64];
	unsigned long sum = crc32(crc32(0, Z_NULL, 0), (const uint8_t *)body, (uInt)size);
	bool whole;
	int fd;

	sprintf(head, HEAD "%08lx %zu\n", sum, size);
	fd = mkostemp(aside, O_CLOEXEC);
	if (fd >= 0) {
		whole = write_all(fd, head, strlen(head)) && write_all(fd, body, size);
		if (close(fd) || !whole || rename(aside, path))
			unlink(aside);
	}
	free(aside);
}

/** One file of the cache. */
struct kept {
	char *path;
	struct timespec used;
	uint64_t size;
};

static int used_order(const void *a, const void *b)
{
	const struct kept *left = a, *right = b;

	if (left->used.tv_sec != right->used.tv_sec)
		return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
	return left->used.tv_nsec < right->used.tv_nsec ? -1 : left->used.tv_nsec > right->used.tv_nsec;
}

static struct kept *list_files(const char *directory, size_t *count, uint64_t *total)
{
	DIR *dir = opendir(directory);
	struct kept *files = NULL;
	struct dirent *entry;
	size_t room = 0;

	while (dir && (entry = readdir(dir))) {
		struct stat status;
		char *path;

		if (!strstr(entry->d_name, ".lines"))
			continue;
		path = memory_format("%s/%s", directory, entry->d_name);
		if (lstat(path, &status) || !S_ISREG(status.st_mode)) {
			free(path);
			continue;
		}
		files = memory_grow(files, *count, &room, sizeof(*files));
		files[(*count)++] = (struct kept) { path, status.st_mtim, (uint64_t)status.st_size };
		*total += (uint64_t)status.st_size;
	}
	if (dir)
		closedir(dir);
	return files;
}

/** Once there is more than the bound, remove the longest unused down to three quarters of it. */
static void keep_bounded(const char *directory)
{
	const char *text = getenv("HEAPTRACE_CACHE_BYTES");
	uint64_t bound = text ? strtoull(text, NULL, 10) : USUAL_BOUND, total = 0;
	size_t count = 0;
	struct kept *files = list_files(directory, &count, &total);
	bool over = total > bound;

	if (over)
		qsort(files, count, sizeof(*files), used_order);
	for (size_t i = 0; i < count; i++) {
		if (over && total > bound / 4 * 3 && unlink(files[i].path) == 0)
			total -= files[i].size;
		free(files[i].path);
	}
	free(files);
}

void cache_save(const char *key, const struct place *places, size_t count)
{
	char *directory = cache_directory(true), *path = directory ? file_path(directory, key) : NULL;
	size_t size = 0;
	char *body = path ? make_body(places, count, &size) : NULL;

	if (body && size <= LARGEST_FILE) {
		write_file(path, body, size);
		keep_bounded(directory);
	}
	free(body);
	free(path);
	free(directory);
}
