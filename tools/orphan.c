// SPDX-License-Identifier: MIT

/*
 * Root, or who may CAP_CHECKPOINT_RESTORE, opens the memfd itself through /proc/PID/map_files. Who may trace the process
 * reads it out of the process's memory. That is as much of it as is mapped, and all that is used is.
 */

#include "orphan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/** One mapping of the segment. */
struct range {
	uint64_t start, end, offset;
};

/** @return whether a line of /proc/PID/maps is of a segment of ours */
static int read_range(const char *line, struct range *range)
{
	return strstr(line, "/memfd:heaptrace") &&
	       sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &range->start, &range->end, &range->offset) == 3;
}

static int open_itself(pid_t pid, const struct range *range)
{
	char path[96];
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, range->start, range->end);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/** Pages that cannot be read stay zero. @return 0, or -1 with errno if nothing could be read */
static int copy_range(int memory, int copy, const struct range *range)
{
	static char bytes[1 << 16];
	int result = -1;
	for (uint64_t at = range->start; at < range->end; at += sizeof(bytes)) {
		size_t size = range->end - at < sizeof(bytes) ? (size_t)(range->end - at) : sizeof(bytes);
		ssize_t got = pread(memory, bytes, size, (off_t)at);
		if (got > 0 && pwrite(copy, bytes, (size_t)got, (off_t)(range->offset + at - range->start)) == got)
			result = 0;
	}
	return result;
}

/** Copy all ranges from the first on. @return a descriptor, or -1 with errno */
static int copy_all(pid_t pid, FILE *maps, struct range range)
{
	char path[64], line[8192];
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	int memory = open(path, O_RDONLY | O_CLOEXEC), copy = -1, result = -1;
	if (memory < 0)
		return -1;
	copy = memfd_create("copy", MFD_CLOEXEC);
	if (copy >= 0)
		result = copy_range(memory, copy, &range);
	while (copy >= 0 && fgets(line, sizeof(line), maps)) {
		if (read_range(line, &range) && copy_range(memory, copy, &range) == 0)
			result = 0;
	}
	int error = errno;
	close(memory);
	if (copy >= 0 && result)
		close(copy);
	errno = error;
	return result ? -1 : copy;
}

int orphan_open(pid_t pid)
{
	struct range range;
	char path[64], line[8192];
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *maps = fopen(path, "re");
	int fd = -1;
	if (!maps)
		return -1;
	errno = ENOENT;
	while (fd < 0 && fgets(line, sizeof(line), maps)) {
		if (!read_range(line, &range))
			continue;
		fd = open_itself(pid, &range);
		if (fd < 0)
			fd = copy_all(pid, maps, range); /* which reads the rest */
		if (fd < 0)
			break;
	}
	int error = errno;
	fclose(maps);
	errno = error;
	return fd;
}
