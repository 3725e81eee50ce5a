// SPDX-License-Identifier: MIT

/*
 * Names of JIT code: see symbols_perf.h. The file lies in a directory that everybody can write to: it must belong to us,
 * and it must have been written during the process's life, or it is another process's.
 */

#include "symbols_perf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define SLACK_SECONDS 3
#define LARGEST_FILE (256ll << 20)

struct code {
	uint64_t start, end;
	size_t number; /* order in the file */
	char *name;
};

struct perf_map {
	struct code *codes; /* by start, then the later one first */
	uint64_t *reach;    /* the highest end up to here */
	size_t count, room;
};

static bool is_of_process(const struct stat *status, const struct model *model)
{
	uint64_t written = (uint64_t)status->st_mtim.tv_sec, start, end;

	if (!S_ISREG(status->st_mode) || status->st_size > LARGEST_FILE)
		return false;
	if (status->st_uid != geteuid() && status->st_uid != 0)
		return false;
	start = (model->start_wall + model->start_ns) / 1000000000;
	end = (model->start_wall + model->now_ns) / 1000000000;
	return written + SLACK_SECONDS >= start && written <= end + SLACK_SECONDS;
}

static FILE *open_map(const struct model *model)
{
	char path[64];
	struct stat status;
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", model->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && is_of_process(&status, model))
		return fdopen(fd, "r");
	close(fd);
	return NULL;
}

static void add_code(struct perf_map *map, char *line)
{
	char *rest;
	uint64_t start, size;

	line[strcspn(line, "\n")] = '\0';
	start = strtoull(line, &rest, 16);
	size = *rest == ' ' ? strtoull(rest, &rest, 16) : 0;
	if (!size || *rest != ' ' || !rest[1] || start + size < start)
		return;
	map->codes = memory_grow(map->codes, map->count, &map->room, sizeof(*map->codes));
	map->codes[map->count] = (struct code) { start, start + size, map->count, memory_copy_string(rest + 1) };
	map->count++;
}

static int code_order(const void *a, const void *b)
{
	const struct code *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return left->number > right->number ? -1 : left->number < right->number;
}

struct perf_map *perf_map_parse(FILE *file)
{
	struct perf_map *map = memory_zeroed(1, sizeof(*map));
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) >= 0)
		add_code(map, line);
	free(line);
	if (map->count)
		qsort(map->codes, map->count, sizeof(*map->codes), code_order);
	map->reach = memory_zeroed(map->count, sizeof(*map->reach));
	for (size_t i = 0; i < map->count; i++) {
		uint64_t before = i ? map->reach[i - 1] : 0;

		map->reach[i] = map->codes[i].end > before ? map->codes[i].end : before;
	}
	return map;
}

struct perf_map *perf_map_read(const struct model *model)
{
	FILE *file = open_map(model);
	struct perf_map *map = file ? perf_map_parse(file) : NULL;

	if (file)
		fclose(file);
	return map;
}

const char *perf_map_find(const struct perf_map *map, uint64_t address, uint64_t *start)
{
	const struct code *found = NULL;
	size_t low = 0, high = map->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->codes[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	while (low-- > 0 && map->reach[low] > address) {
		if (map->codes[low].end > address && (!found || map->codes[low].number > found->number))
			found = &map->codes[low];
	}
	if (!found)
		return NULL;
	*start = found->start;
	return found->name;
}

void perf_map_free(struct perf_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->count; i++)
		free(map->codes[i].name);
	free(map->codes);
	free(map->reach);
	free(map);
}
