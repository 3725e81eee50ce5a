// SPDX-License-Identifier: MIT

/*
 * Where `heaptrace top` has its figures from: the segments of a run's processes, read from outside, and the collector,
 * which says who comes and how they end. The program is not asked for anything, unless somebody wants its allocator's
 * figures.
 */

#ifndef HEAPTRACE_TOP_SOURCE_H
#define HEAPTRACE_TOP_SOURCE_H

#include "inquiry.h"
#include "snapshot.h"
#include "top_names.h"
#include "top_rows.h"

/** A process of the run. */
struct watched {
	int segment;              /* -1: given back, its last figures have been read */
	uint64_t inode;           /* of the segment: with `number` what tells processes apart */
	uint32_t number;
	pid_t pid;
	char name[64];
	struct host_facts facts;
	bool ended;
	struct top_memory memory;
	struct top_names *names;
};

/** All processes of the run that are alive, and the one that is looked at. */
struct source {
	pid_t pid;                /* that was asked for: a process, or the launcher */
	int follow;               /* -1: no collector, or it is gone */
	int pidfd;                /* of a program without a collector, else -1 */
	bool collector_lost;      /* it went before the program did */
	struct watched **processes;
	size_t count, room;
	struct watched *chosen;   /* NULL: none has come yet */
	struct snapshot *snapshot; /* that the last refresh was made of, for saving; NULL: none */
	uint32_t snapshot_number;
};

/** Find a traced process. @return 0, or -1 with a message */
int source_open(struct source *source, pid_t pid, char *error, size_t size);

/** Follow a run that begins, by the socket in its directory. @return 0, or -1 with errno */
int source_open_run(struct source *source, const char *directory, pid_t launcher);

/** What poll() should wait for, -1: nothing. */
int source_fd(const struct source *source);

/** Take what the collector, or the kernel, has to say. @return true if the list of processes has changed */
bool source_hear(struct source *source);

/** Look at another process. Those that have ended and are not looked at are forgotten. */
void source_choose(struct source *source, struct watched *watched);

/**
 * Read the figures of the process that is looked at.
 *
 * @return to be freed; NULL with *error filled: there is nothing to be read (any more), the last refresh is the last word
 */
struct top_refresh *source_read(struct source *source, struct error *error);

/**
 * Ask the program for its allocator's figures; they come with one of the next refreshes. @return false: that is
 * not possible
 */
bool source_ask_allocator(const struct source *source);

/** Write what the last refresh was made of. @return 0, or -1 with *error filled */
int source_save(const struct source *source, const char *path, struct error *error);

#endif
