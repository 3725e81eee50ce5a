// SPDX-License-Identifier: MIT

/*
 * The thread that reads and names, so that the screen answers at once however large the program's heap is. It owns the
 * source; the screen asks it for things, and takes refreshes.
 */

#ifndef HEAPTRACE_TOP_WORKER_H
#define HEAPTRACE_TOP_WORKER_H

#include "top_source.h"

struct worker;

/** What the screen may want. */
struct wishes {
	uint64_t interval_ms;
	bool paused;
	bool now;                 /* read at once; set back */
	bool new_baseline;        /* set back */
	bool allocator;           /* ask the program for its allocator's figures; set back */
	bool lines;               /* of the backtrace `lines_of`; set back */
	struct top_id lines_of;
	bool choose;              /* another process; set back */
	uint64_t inode;
	uint32_t number;
	char *save;               /* name of a snapshot to be written, taken over; NULL: none */
	bool quit;
};

/** A process of the run, for the list to choose from. */
struct listed {
	uint64_t inode;
	uint32_t number;
	pid_t pid;
	char name[64];
	bool chosen, ended;
};

#define MOST_LISTED 256

/** What the worker has to say besides figures. */
struct worker_state {
	struct listed processes[MOST_LISTED];
	size_t listed;
	size_t count;             /* of all, also where there are more */
	bool ended;               /* the chosen process */
	char how[32];
	bool collector_lost;
	char message[640];        /* what a wish came to */
	unsigned messages;        /* ever; tells a new one from an old one */
};

/** Start it; it takes the source over. `wake` is written to whenever there is something to be taken. */
struct worker *worker_start(struct source *source, const struct options *options, uint64_t interval_ms, int wake);

/** Change wishes: lock, change, unlock. */
struct wishes *worker_wish(struct worker *worker);
void worker_wished(struct worker *worker);

/** The newest refresh that has not been taken, with its names, now the caller's; or NULL. */
struct top_refresh *worker_take(struct worker *worker, struct top_names **names);

void worker_look(struct worker *worker, struct worker_state *state);

/** Let it end, and wait for a snapshot that is being written. Its memory stays. */
void worker_stop(struct worker *worker);

#endif
