// SPDX-License-Identifier: MIT

/*
 * The live table: address of a block -> {backtrace, size}. Private copy-on-write memory, so that a fork child owns a
 * right copy. No locks: a block's entry is only touched by who has just got the block or is about to give it back.
 */

#ifndef HEAPTRACE_LIVE_H
#define HEAPTRACE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"

struct live_block {
	uint32_t trace; /* 0: not in the table */
	uint64_t size;  /* requested bytes */
};

/** Enter a block. False: the table could not grow, the block is not in it. */
bool live_put(const void *block, uint32_t trace, uint64_t size);

/** Whether a block is in the table. */
bool live_has(const void *block);

/** Take a block's entry out; trace is 0 if there is none. Call before the block is given back. */
struct live_block live_take(const void *block);

#endif
