// SPDX-License-Identifier: MIT

/* A process's past in a file in memory, as it is handed from the collector to `heaptrace dump`: its chunks, one behind the other. */

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history.h"
#include "memory.h"

#define LARGEST (256u << 20) /* more than any history is */

static bool write_all(int fd, const struct ht_chunk *chunk)
{
	for (uint64_t done = 0; chunk && done < chunk->size;) {
		ssize_t n = write(fd, (const char *)chunk + done, chunk->size - done);

		if (n <= 0)
			return false;
		done += (uint64_t)n;
	}
	return true;
}

int history_to_file(const struct history *history)
{
	int fd = memfd_create("heaptrace-history", MFD_CLOEXEC);
	struct ht_timeline *timeline = history_timeline_chunk(history, 0);
	struct ht_slices *slices = history_slices_chunk(history, 0);

	if (fd >= 0 && !(write_all(fd, &timeline->head) && write_all(fd, slices ? &slices->head : NULL))) {
		close(fd);
		fd = -1;
	}
	free(timeline);
	free(slices);
	return fd;
}

static void read_chunks(struct history *history, const uint8_t *bytes, uint64_t size)
{
	uint64_t at = 0;

	while (size - at >= sizeof(struct ht_chunk)) {
		const struct ht_chunk *chunk = (const struct ht_chunk *)(bytes + at);

		if (chunk->magic != HT_CHUNK_MAGIC || chunk->size < sizeof(*chunk) || chunk->size % 8 || chunk->size > size - at)
			break;
		if (chunk->kind == HT_CHUNK_TIMELINE)
			history_read_timeline(history, chunk, chunk->size);
		else if (chunk->kind == HT_CHUNK_SLICES)
			history_read_slices(history, chunk, chunk->size);
		at += chunk->size;
	}
}

struct history *history_from_file(int fd)
{
	struct history *history = history_new(0);
	struct stat status;

	if (fstat(fd, &status) || status.st_size <= 0 || status.st_size > LARGEST)
		return history;
	uint64_t size = (uint64_t)status.st_size, done = 0;
	uint8_t *bytes = memory_zeroed(1, size);

	while (done < size) {
		ssize_t n = pread(fd, bytes + done, size - done, (off_t)done);

		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	read_chunks(history, bytes, done);
	free(bytes);
	return history;
}
