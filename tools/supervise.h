// SPDX-License-Identifier: MIT

/*
 * The launcher while its program runs: passes on what is meant for the program, and ends as it ended.
 */

#ifndef HEAPTRACE_SUPERVISE_H
#define HEAPTRACE_SUPERVISE_H

#include "collect.h"
#include "target.h"

/**
 * Wait for the program and for the reports. All signals are blocked already.
 *
 * @param collector  the socket to it
 * @return the program's exit status; does not return where a signal ended it (but as PID 1: 128 + signal)
 */
int supervise(struct run *run, int collector, pid_t program, const struct target *target);

/** A segment that the launcher holds in case the collector dies. */
struct held {
	int64_t number; /* of the image */
	int fd;
};

/** Report what the segments hold, because the collector has died. `status` is the program's, -1: unknown. */
void rescue(struct run *run, const struct held *held, size_t count, pid_t program, int status);

#endif
