// SPDX-License-Identifier: MIT

/*
 * A process's part of a segment that it shares with many: its own tables, and of the processes it descends from what it
 * inherited from them (modules, command line). Without this, each of a thousand fork children's reports would read the
 * tables of all thousand.
 *
 * Chunks keep their places, so the extract is a segment like the original, with more holes. The order of copying is
 * snapshot.c's: what refers first, what is referred to later.
 */

#include <sys/mman.h>
#include <unistd.h>

#include "collect.h"
#include "memory.h"

#define PIECE (256u << 10)
#define GENERATIONS 1024

static int copy_range(int from, int to, uint64_t offset, uint64_t size)
{
	static char piece[PIECE];
	uint64_t end = offset + size;
	while (offset < end) {
		off_t data = lseek(from, (off_t)offset, SEEK_DATA);
		if (data < 0 || (uint64_t)data >= end)
			return 0;
		offset = (uint64_t)data;
		uint64_t rest = end - offset;
		off_t hole = lseek(from, data, SEEK_HOLE);
		if (hole > data && (uint64_t)(hole - data) < rest)
			rest = (uint64_t)(hole - data);
		ssize_t got = pread(from, piece, rest < PIECE ? rest : PIECE, (off_t)offset);
		if (got <= 0 || pwrite(to, piece, (size_t)got, (off_t)offset) != got)
			return -1;
		offset += (uint64_t)got;
	}
	return 0;
}

static const struct family *find_family(const struct image *image, uint32_t number)
{
	for (size_t i = image->family_count; i > 0; i--) {
		if (image->families[i - 1].number == number)
			return &image->families[i - 1];
	}
	return NULL;
}

/** The process and those it descends from. @return how many */
static size_t find_line(const struct image *image, uint32_t number, uint32_t *line)
{
	size_t count = 0;
	const struct family *family = find_family(image, number);
	while (family && count < GENERATIONS) {
		line[count++] = family->number;
		family = family->parent < family->number ? find_family(image, family->parent) : NULL;
	}
	return count;
}

static int copy_tables(const struct process *process, int to)
{
	static const uint32_t order[] = {HT_CHUNK_CHURN, HT_CHUNK_THREADS, HT_CHUNK_CELLS, HT_CHUNK_TRACES, HT_CHUNK_NODES, HT_CHUNK_EXECS};
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		for (size_t j = 0; j < process->span_count; j++) {
			const struct span *span = &process->spans[j];
			if (span->kind == order[i] && copy_range(process->image->fd, to, span->offset, span->size))
				return -1;
		}
	}
	return 0;
}

static int copy_inheritance(const struct image *image, uint32_t number, int to)
{
	uint32_t line[GENERATIONS];
	size_t count = find_line(image, number, line);
	for (size_t i = 0; i < image->common_count; i++) {
		const struct common *common = &image->common[i];
		for (size_t j = 0; j < count; j++) {
			if (line[j] == common->process &&
			    copy_range(image->fd, to, common->span.offset, common->span.size))
				return -1;
		}
	}
	return 0;
}

int process_extract(const struct process *process)
{
	const struct image *image = process->image;
	if (image->family_count < 2)
		return -1;
	int fd = memfd_create("heaptrace-extract", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)image->header->limit) == 0 && copy_tables(process, fd) == 0 &&
	    copy_inheritance(image, process->number, fd) == 0 && copy_range(image->fd, fd, 0, HT_GRANULE) == 0)
		return fd;
	close(fd);
	return -1;
}
