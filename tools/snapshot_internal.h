// SPDX-License-Identifier: MIT

/* What snapshot.c, snapshot_save.c and model.c share: the checked copy of a file's chunks. */

#ifndef HEAPTRACE_SNAPSHOT_INTERNAL_H
#define HEAPTRACE_SNAPSHOT_INTERNAL_H

#include "snapshot.h"

/** The copy of one chunk; [offset, offset + size) of the file, head included. */
struct chunk {
	uint64_t offset;
	uint64_t size;    /* bytes copied; at least sizeof(struct ht_chunk) */
	uint8_t *data;
	uint32_t kind;    /* from the head */
	uint32_t process;
	uint32_t first;
	bool mapped;      /* data comes from mmap */
};

/** One process of the file, its record checked. */
struct process {
	uint32_t number;
	struct ht_process record;
};

struct snapshot {
	char *name;
	struct ht_header header;
	uint64_t file_size;
	struct chunk *chunks;      /* by owner, then by offset */
	size_t chunk_count, chunk_room;
	struct process *processes; /* by number; a parent's number is lower than its child's */
	size_t process_count, process_room;
	uint64_t corrupt;          /* broken records of the file as a whole */
};

/** Fill an error. @return -1 */
__attribute__((format(printf, 2, 3)))
int error_set(struct error *error, const char *format, ...);

/** The process of that number, or NULL. */
const struct process *snapshot_find(const struct snapshot *snapshot, uint32_t number);

/** Modules belong to the whole segment: they are owned by process number 0, which does not exist. */
#define OWNER_SEGMENT 0u

/** The chunks of one owner: a process, or OWNER_SEGMENT. @return the first of *count */
const struct chunk *snapshot_chunks(const struct snapshot *snapshot, uint32_t owner, size_t *count);

/**
 * The chunk with a process's command line, looked for in its ancestors too.
 *
 * @param owner  out: number of the process that it belongs to
 * @return a chunk whose count, bytes and NULs have been checked, or NULL
 */
const struct chunk *snapshot_command(const struct snapshot *snapshot, uint32_t number, uint32_t *owner);

#endif
