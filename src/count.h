// SPDX-License-Identifier: MIT

/*
 * Counters of backtraces: per-thread cells in the segment, and the peaks.
 */

#ifndef HEAPTRACE_COUNT_H
#define HEAPTRACE_COUNT_H

#include "thread.h"

/** Count a block of `size` bytes for a trace. False: there was no room for the counters. */
bool count_allocated(struct thread *thread, uint32_t trace, uint64_t size);

/** A second thread has come: make the first one's figures public. See ht_process in segment.h. */
void count_publish_all(struct thread *first);

/** Count that a block of `size` bytes of a trace is given back. */
void count_freed(struct thread *thread, uint32_t trace, uint64_t size);

#endif
