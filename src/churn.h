// SPDX-License-Identifier: MIT

/*
 * Churn: what is allocated only to be given back, how large blocks are, what reallocations move. With --churn only: it
 * costs a few atomic additions for each event, and 256 bytes for each backtrace.
 */

#ifndef HEAPTRACE_CHURN_H
#define HEAPTRACE_CHURN_H

#include "thread.h"

/** A block has been entered for a trace. */
void churn_allocated(struct thread *thread, uint32_t trace, const void *block, uint64_t size);

/** A block is about to be freed; it is still in the live table. */
void churn_freed(struct thread *thread, const void *block);

/** A block of `trace` came out of realloc. @param copied  bytes, 0 if it stayed where it was */
void churn_moved(uint32_t trace, uint64_t copied);

/** A fork child has none yet. */
void churn_forked(void);

#endif
