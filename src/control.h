// SPDX-License-Identifier: MIT

/*
 * What is not the usual: tracing stopped, and listeners to single events. All of it hangs on one word, guest.control,
 * which is 0 in the usual case, so that a hook pays one predictable branch for everything here.
 */

#ifndef HEAPTRACE_CONTROL_H
#define HEAPTRACE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"
#include "unwind.h"

/** Bits of guest.control. */
enum control {
	CONTROL_STOPPED = 1 << 0,  /* the table takes no new blocks; those in it are followed until they are freed */
	CONTROL_SESSIONS = 1 << 1, /* a session wants to hear of events (session.h) */
	CONTROL_BY_THREAD = 1 << 3, /* backtraces are kept apart by thread (labels.h) */
	CONTROL_CHURN = 1 << 2,    /* temporary blocks, sizes and moves are counted (churn.h) */
};

INLINE void control_set(uint32_t bit)
{
	__atomic_fetch_or(&guest.control, bit, __ATOMIC_RELAXED);
}

INLINE void control_clear(uint32_t bit)
{
	__atomic_fetch_and(&guest.control, ~bit, __ATOMIC_RELAXED);
}

/** The bits that the options ask for, at the start. */
void control_start(void);

/** Stop or resume recording. Any thread, any time. */
void control_stop(void);
void control_resume(void);

/**
 * Forget what was recorded: figures begin at 0, and blocks from before are like those from before the start. Each reset
 * uses up the numbers of the backtraces that were seen until then, of which there are 2^24.
 *
 * @param thread  the calling thread's state, entered, not the shared one
 */
void control_reset(struct thread *thread);

/** Do what the host has asked for, if it has. At an event of a thread's own state. */
void control_poll(struct thread *thread);

#endif
