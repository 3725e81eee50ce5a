// SPDX-License-Identifier: MIT

/*
 * What the collector has kept of a process's past, and how a snapshot keeps it: bounded for any length of run, because
 * old entries are thinned out as new ones come.
 */

#ifndef HEAPTRACE_HISTORY_H
#define HEAPTRACE_HISTORY_H

#include "model.h"

/** Points that a timeline has at most. When it is full, every second one goes and the interval doubles. */
#define HISTORY_POINTS 512u

struct history {
	struct timeline_point *points; /* by time */
	size_t point_count, point_room;
	uint64_t interval_ns;          /* between points */
};

/** @return an empty history whose points are to lie interval_ns apart */
struct history *history_new(uint64_t interval_ns);

void history_free(struct history *history); /* NULL: nothing */

/**
 * Append a point that is later than all others; one that is not is left out. Of a full timeline's neighbours the one with
 * more live bytes stays, so that a short peak does not vanish.
 */
void history_add(struct history *history, const struct timeline_point *point);

/** The TIMELINE chunk of a process, head included. @return it, to be freed */
struct ht_timeline *history_timeline_chunk(const struct history *history, uint32_t process);

/**
 * Take over the points of a TIMELINE chunk of a hostile file.
 *
 * @param size  bytes that are there, at least a chunk's head
 * @return broken records
 */
size_t history_read_timeline(struct history *history, const struct ht_chunk *chunk, uint64_t size);

#endif
