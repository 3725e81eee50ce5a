// SPDX-License-Identifier: MIT

/*
 * Reading segments and snapshots. The input is hostile: a traced program may scribble over its segment, a file may be
 * cut or made by somebody else. Whatever it holds, these functions return; what is broken is skipped and counted.
 */

#ifndef HEAPTRACE_SNAPSHOT_H
#define HEAPTRACE_SNAPSHOT_H

#include "model.h"

struct snapshot;

/** Why something failed, for people: what, why, what to do. */
struct error {
	char text[512];
};

/**
 * Copy a segment or a snapshot into memory (pread only: an mmap of a sparse memfd would allocate it, and holes are
 * skipped with SEEK_DATA) and check it.
 *
 * @param fd    a readable file; stays open, its position is not used
 * @param name  for messages
 * @return the snapshot, to be closed with snapshot_close(), or NULL with *error filled: not one of ours, truncated,
 *         corrupt (checksum), written by a newer version
 */
struct snapshot *snapshot_read(int fd, const char *name, struct error *error);

/** The same for a file by its name. */
struct snapshot *snapshot_open(const char *path, struct error *error);

void snapshot_close(struct snapshot *snapshot);

const struct ht_header *snapshot_header(const struct snapshot *snapshot);

/** Numbers of the processes in it, in the order of their starts. */
size_t snapshot_processes(const struct snapshot *snapshot, uint32_t *numbers, size_t size);

/** The process's own record (checked copy), or NULL. Cheap: no tables are summed up. */
const struct ht_process *snapshot_process(const struct snapshot *snapshot, uint32_t number);

/**
 * Sum up one process.
 *
 * @param host  the collector's knowledge, or NULL: then the HOST chunk's, if there is one
 * @return the model, independent of the snapshot, to be freed with model_free(); NULL with *error filled
 */
struct model *snapshot_model(const struct snapshot *snapshot, uint32_t number, const struct host_facts *host,
			     struct error *error);

void model_free(struct model *model);

/**
 * Write a compacted snapshot of some processes: aside, then renamed; nothing half-written is ever left at `path`.
 *
 * @param numbers  the processes; hosts[i] belongs to numbers[i]
 * @return 0, or -1 with *error filled
 */
int snapshot_save(const struct snapshot *snapshot, const uint32_t *numbers, const struct host_facts *hosts,
		  size_t count, const char *path, struct error *error);

#endif
