// SPDX-License-Identifier: MIT

/*
 * Backtraces: from frames to a 24-bit number, the same for the same backtrace. A hash table maps the rolling hash of
 * the frames to the number; the frames themselves are written into the segment as a tree, on first sight only.
 */

#ifndef HEAPTRACE_TRACES_H
#define HEAPTRACE_TRACES_H

#include <stdint.h>

#include "guest.h"
#include "table.h"
#include "thread.h"

/** Numbers below 1,024 * n + 1 do not exist; 1 is given to blocks that are known but not counted. */
#define TRACE_UNCOUNTED 1u

/** A backtrace on its way to a number. */
struct sighting {
	struct stack_frame *frames; /* outermost first, the newest last */
	uint32_t count;
	bool truncated;
	enum ht_entry entry;
	uint32_t thread;            /* label, with --by-thread */
	uint64_t hash;              /* of entry, thread and frames; never 0 */
};

/** By hash; see table.h. [atomic] */
extern struct table *trace_table HIDDEN;

/** Give a backtrace that has not been seen a number and write it down; 0 when a table is full. */
uint32_t trace_add(const struct sighting *sighting);

/** A backtrace's number. */
INLINE uint32_t trace_number(const struct sighting *sighting)
{
	uint64_t number = table_find(load_acquire(&trace_table), sighting->hash);

	return likely(number) ? (uint32_t)number : trace_add(sighting);
}

/** Chunks of records, by number / 1,024. [atomic] each */
extern struct ht_trace *trace_chunks[HT_MAX_TRACES / 1024] HIDDEN;

/** The record of a number that trace_number() gave out in this process. */
INLINE struct ht_trace *trace_record(uint32_t number)
{
	struct ht_trace *chunk = load_acquire(&trace_chunks[number / 1024]);

	return likely(chunk) ? &chunk[number % 1024] : NULL;
}

/** A frame of the tree, NULL if there is none of that number. */
const struct ht_node *trace_node(uint32_t number);

/** Make the tables. */
bool traces_start(void);

/** Begin anew: no backtrace has been seen, and numbers go on. Others may be at work. False: no memory. */
bool traces_reset(void);

/** A fork child: nothing was seen yet; numbers go on where the parent's ended, so that its blocks are told apart. */
void traces_forked(const struct ht_process *parent);

#endif
