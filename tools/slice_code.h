// SPDX-License-Identifier: MIT

/*
 * How a slice is written: what happened to each trace since the slice before, for those traces only to which something
 * did. For each, by ascending number, five numbers of 7 bits a byte, the lowest first, the eighth bit set in all bytes
 * but the last: the distance of the trace's number from the one before, blocks and bytes allocated, blocks and bytes
 * freed. A distance of 0 ends it, and so does the end of the bytes.
 */

#ifndef HEAPTRACE_SLICE_CODE_H
#define HEAPTRACE_SLICE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What happened to a trace between two slices. */
struct slice_delta {
	uint32_t trace;
	uint64_t allocated_blocks, allocated_bytes;
	uint64_t freed_blocks, freed_bytes;
};

/** Zero before the first use; bytes to be freed. */
struct slice_writer {
	uint8_t *bytes;
	size_t size, room;
	uint32_t last; /* trace */
};

/** Append a delta; its trace is above the last one's. */
void slice_write(struct slice_writer *writer, const struct slice_delta *delta);

/** What is left to be read of somebody's bytes. */
struct slice_reader {
	const uint8_t *at, *end;
	uint32_t last; /* trace */
	bool broken;
};

/** Begin to read; bytes of size 0 may be NULL. */
struct slice_reader slice_reader_of(const uint8_t *bytes, size_t size);

/** @return false at the end, or where the bytes make no sense: then `broken` is set */
bool slice_read(struct slice_reader *reader, struct slice_delta *delta);

/** Write what happened in two slices that follow each other. */
void slice_merge(struct slice_writer *writer, struct slice_reader *left, struct slice_reader *right);

#endif
