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

/** Slices that are kept at most, and what their bytes may be in all (but at least three are kept, whatever they take). */
#define HISTORY_SLICES 256u
#define HISTORY_SLICE_BYTES (16u << 20)

/** What happened to each trace since the slice before. */
struct history_slice {
	uint64_t ns;
	uint64_t number;               /* of the interval, from the process's start */
	uint8_t *bytes;                /* slice_code.h */
	size_t size;
};

struct history {
	struct timeline_point *points; /* by time */
	size_t point_count, point_room;
	uint64_t interval_ns;          /* between points */
	struct history_slice *slices;  /* by time */
	size_t slice_count, slice_room;
	size_t slice_bytes;            /* of all */
	uint64_t slice_interval_ns;    /* as it was asked for; 0: no slices */
	uint64_t slice_step;           /* only numbers that are multiples of it are still wanted; 0 counts as 1 */
	bool dear;                     /* slices cost too much to be taken as often as was asked for */
};

/** @return an empty history whose points are to lie interval_ns apart */
struct history *history_new(uint64_t interval_ns);

void history_free(struct history *history); /* NULL: nothing */

/**
 * Append a point that is later than all others; one that is not is left out. Of a full timeline's neighbours the one with
 * more live bytes stays, so that a short peak does not vanish.
 */
void history_add(struct history *history, const struct timeline_point *point);

/**
 * Append a slice that is later than all others. When there are too many, every second one goes: what it says is added to
 * the one behind it. The first and the last always stay.
 *
 * @param bytes  belong to the history from now on
 */
void history_add_slice(struct history *history, uint64_t ns, uint64_t number, uint8_t *bytes, size_t size);

/** Forget all slices. */
void history_drop_slices(struct history *history);

/** The SLICES chunk of a process, head included. @return it, to be freed; NULL if no slices were asked for */
struct ht_slices *history_slices_chunk(const struct history *history, uint32_t process);

/** Take over the slices of a SLICES chunk of a hostile file; `size` as below. @return broken records */
size_t history_read_slices(struct history *history, const struct ht_chunk *chunk, uint64_t size);

/** The TIMELINE chunk of a process, head included. @return it, to be freed */
struct ht_timeline *history_timeline_chunk(const struct history *history, uint32_t process);

/**
 * Take over the points of a TIMELINE chunk of a hostile file.
 *
 * @param size  bytes that are there, at least a chunk's head
 * @return broken records
 */
size_t history_read_timeline(struct history *history, const struct ht_chunk *chunk, uint64_t size);

/** The chunks of a history in a memfd. @return its descriptor, or -1 */
int history_to_file(const struct history *history);

/** Read what another process has written there; what is broken is left out. @return a history, never NULL */
struct history *history_from_file(int fd);

#endif
