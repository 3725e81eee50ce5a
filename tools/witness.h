// SPDX-License-Identifier: MIT

/*
 * Was a signal meant for the launcher alone, or has the program had it too? See witness.c.
 */

#ifndef HEAPTRACE_WITNESS_H
#define HEAPTRACE_WITNESS_H

#include <stdint.h>
#include <sys/types.h>

/** How long after a signal the witness is asked: a group gets one within microseconds, timeout(1) sends two in a row. */
#define WITNESS_DELAY_NS 20000000u

struct witness {
	int socket; /* to it; -1: there is none */
	pid_t pid;
};

/** Put a witness into our process group; without one witness->socket is -1. All signals are blocked. */
void witness_start(struct witness *witness);

/**
 * Which signals processes have sent to the whole group since we last asked. One that does not answer is given up.
 *
 * @return bit N-1 for signal N; SIGCHLD and SIGCONT are left out
 */
uint64_t witness_ask(struct witness *witness);

/** Take it out of the group and wait until it is gone: whoever waits for us may look whether the group is empty. */
void witness_stop(struct witness *witness);

#endif
