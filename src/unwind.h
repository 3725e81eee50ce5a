// SPDX-License-Identifier: MIT

/*
 * Backtraces: rows from .eh_frame, and a verified cache of the last stack.
 */

#ifndef HEAPTRACE_UNWIND_H
#define HEAPTRACE_UNWIND_H

#include "segment.h"
#include "thread.h"

/** The caller of a hook: where it will return to, and its registers then. */
struct caller {
	uintptr_t pc, sp, rbp;
};

/** The caller of the function that this stands in (which must keep a frame pointer). */
#define CALLER()                                                          \
	((struct caller){(uintptr_t)__builtin_return_address(0),          \
			 (uintptr_t)__builtin_frame_address(0) + 16,      \
			 *(const uintptr_t *)__builtin_frame_address(0)})

/**
 * Number of the backtrace of `entry` called by `caller`, written down at first sight.
 *
 * @param thread  state that the caller has entered
 * @return 0 when a table is full
 */
uint32_t unwind_trace(struct thread *thread, const struct caller *caller, enum ht_entry entry);

/**
 * The return addresses of a stack, newest first, beginning with the caller's own: no cache, and no number is given.
 * Modules that they lie in are recorded.
 *
 * @param thread  state that the caller has entered
 * @param depth   room in `out`, at least 1
 * @return how many there are
 */
uint32_t unwind_frames(struct thread *thread, const struct caller *caller, uintptr_t *out, uint32_t depth);

/** Make the table of rows. */
bool unwind_start(void);

/** A fork child: the rows stay right, but threads that were at work on them are gone. */
void unwind_forked(void);

#endif
