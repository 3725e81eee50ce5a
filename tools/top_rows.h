// SPDX-License-Identifier: MIT

/*
 * The rows of `heaptrace top`: a model's backtraces, with what has become of them since the last refresh and since the
 * start of watching. A refresh is a model and its rows; what is remembered between refreshes is a memory of each
 * backtrace, found again by its frames.
 */

#ifndef HEAPTRACE_TOP_ROWS_H
#define HEAPTRACE_TOP_ROWS_H

#include "memory.h"
#include "model.h"
#include "options.h"

/** A backtrace's name for itself: hashes of its frames. The same in all refreshes of a process. */
struct top_id {
	uint64_t a, b;
};

static inline bool top_id_same(struct top_id one, struct top_id other)
{
	return one.a == other.a && one.b == other.b;
}

/** One backtrace in a refresh. */
struct top_row {
	const struct backtrace *backtrace;
	struct top_id id;
	int64_t growth;           /* of live bytes, since the last refresh */
	int64_t since;            /* since the start of watching, or since the baseline was set anew */
	uint64_t allocs;          /* blocks allocated since the last refresh */
	uint64_t rate;            /* thousandths of an allocation per second */
};

/** Of the whole process, in thousandths per second. */
struct top_rates {
	bool known;               /* not at the first refresh */
	uint64_t allocations, frees, allocated_bytes;
};

/** What is known of one process at one moment. Owns its model. */
struct top_refresh {
	struct model *model;
	struct top_row *rows;     /* in the model's order */
	size_t count;
	struct top_rates rates;
	struct statm statm;       /* ns 0: unknown */
	uint64_t baseline_ns;     /* what `since` counts from, since the start of the run */
};

/** What is remembered of a process; empty when zeroed. */
struct top_memory {
	struct table known;       /* id to number + 1 */
	struct top_past {
		uint64_t base_bytes, live_bytes, total_blocks;
	} *pasts;
	size_t count, room;
	struct totals totals;     /* of the last refresh */
	uint64_t now_ns, baseline_ns;
	bool begun, new_baseline;
};

/** The rows of a model, which becomes the refresh's; the memory is brought up to it. To be freed. */
struct top_refresh *top_refresh_make(struct top_memory *memory, struct model *model);

void top_refresh_free(struct top_refresh *refresh);

/** Let growth count from the next refresh. */
void top_memory_new_baseline(struct top_memory *memory);

void top_memory_free(struct top_memory *memory);

/**
 * The rows to be shown, best first; ties by live bytes, then by id, so that rows of equal value do not change places.
 *
 * @param is_shown  a filter, or NULL
 * @param order     out: pointers to rows, to be freed
 * @return how many
 */
size_t top_rows_sort(const struct top_refresh *refresh, enum sort_key key, bool (*is_shown)(const struct top_row *, void *),
		     void *data, const struct top_row ***order);

#endif
