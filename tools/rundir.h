// SPDX-License-Identifier: MIT

/*
 * The per-run directory: how guests find their run. LD_PRELOAD names the link in it, so the library knows the directory
 * by its own path and no variable of ours lies in the program's environment.
 *
 *	heaptrace-XXXXXX/libheaptrace.so   link to the real library
 *	heaptrace-XXXXXX/socket            the collector listens here
 *	heaptrace-XXXXXX/settings          lines "key value" that a guest reads before it connects
 */

#ifndef HEAPTRACE_RUNDIR_H
#define HEAPTRACE_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "options.h"

struct rundir {
	char path[84];     /* so that the socket's path fits */
	char library[108]; /* the link in it */
	int listener;      /* the socket, bound and listening */
};

/** Find the library that belongs to this command. @return 0, or -1 with a message */
int rundir_find_library(enum unwinder unwinder, char *path, size_t size, char *error, size_t error_size);

/** Make the directory and all that is in it. @return 0, or -1 with a message */
int rundir_create(struct rundir *rundir, const char *library, char *error, size_t error_size);

/** Remove it. */
void rundir_remove(const struct rundir *rundir);

/** Remove directories beside it that runs of ours left behind whose collectors were killed, unless they are still needed. */
void rundir_remove_stale(const struct rundir *rundir);

/**
 * May a process still need it? One with the path in its environment may execute a program, and its loader would
 * complain about the missing library on stderr.
 *
 * @param first  no process of the run has a lower pid, unless pids have begun anew since
 * @param young  the run is too young for pids to have gone all the way round
 */
bool rundir_is_needed(const struct rundir *rundir, pid_t first, bool young);

/** The n-th place where run directories may be, NULL behind the last. */
const char *rundir_place(unsigned n);

#endif
