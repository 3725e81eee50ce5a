// SPDX-License-Identifier: MIT

/*
 * What the launcher changes for itself and the collector, and gives back to the program as it was; and descriptors that
 * it must not hold.
 */

#ifndef HEAPTRACE_INHERITED_H
#define HEAPTRACE_INHERITED_H

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>

#define INHERITED_LIMITS 5

struct inherited {
	sigset_t mask;
	struct sigaction child; /* SIGCHLD's */
	struct rlimit limits[INHERITED_LIMITS];
};

/**
 * Block all signals, so that they wait until the program is there to get them, and lift the limits: `ulimit -f 0` is meant
 * for the program, not for its report.
 */
void inherited_take(struct inherited *inherited);

/** In the program's process, before exec. */
void inherited_give_back(const struct inherited *inherited);

/** Close all descriptors from 3 on but some: somebody may wait for the end of a pipe. -1 in the list is skipped. */
void inherited_close(const int *keep, size_t count);

/** Connect descriptors with /dev/null. */
void inherited_silence(int first, int last);

#endif
