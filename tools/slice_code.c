// SPDX-License-Identifier: MIT

/* Slices as bytes: see slice_code.h. */

#include "slice_code.h"

#include "../src/segment.h"
#include "memory.h"

static void put_number(struct slice_writer *writer, uint64_t number)
{
	do {
		writer->bytes = memory_grow(writer->bytes, writer->size, &writer->room, 1);
		writer->bytes[writer->size++] = (uint8_t)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
		number >>= 7;
	} while (number);
}

void slice_write(struct slice_writer *writer, const struct slice_delta *delta)
{
	put_number(writer, delta->trace - writer->last);
	put_number(writer, delta->allocated_blocks);
	put_number(writer, delta->allocated_bytes);
	put_number(writer, delta->freed_blocks);
	put_number(writer, delta->freed_bytes);
	writer->last = delta->trace;
}

struct slice_reader slice_reader_of(const uint8_t *bytes, size_t size)
{
	return (struct slice_reader) { .at = bytes, .end = size ? bytes + size : bytes };
}

/** @return false, with `broken` set, if the bytes end in a number or it is too large */
static bool get_number(struct slice_reader *reader, uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; reader->at < reader->end && shift < 64; shift += 7) {
		uint8_t byte = *reader->at++;
		uint64_t part = byte & 0x7f;

		if (part << shift >> shift != part)
			break;
		*number |= part << shift;
		if (!(byte & 0x80))
			return true;
	}
	reader->broken = true;
	return false;
}

bool slice_read(struct slice_reader *reader, struct slice_delta *delta)
{
	uint64_t distance;

	if (reader->broken || reader->at == reader->end || !get_number(reader, &distance) || !distance)
		return false;
	if (distance >= HT_MAX_TRACES - reader->last) {
		reader->broken = true;
		return false;
	}
	reader->last += (uint32_t)distance;
	delta->trace = reader->last;
	return get_number(reader, &delta->allocated_blocks) && get_number(reader, &delta->allocated_bytes) &&
	       get_number(reader, &delta->freed_blocks) && get_number(reader, &delta->freed_bytes);
}

void slice_merge(struct slice_writer *writer, struct slice_reader *left, struct slice_reader *right)
{
	struct slice_delta l, r;
	bool has_left = slice_read(left, &l), has_right = slice_read(right, &r);

	while (has_left || has_right) {
		struct slice_delta sum;

		if (has_left && has_right && l.trace == r.trace) {
			sum = (struct slice_delta) { l.trace, l.allocated_blocks + r.allocated_blocks,
						     l.allocated_bytes + r.allocated_bytes,
						     l.freed_blocks + r.freed_blocks, l.freed_bytes + r.freed_bytes };
			has_left = slice_read(left, &l);
			has_right = slice_read(right, &r);
		} else if (has_left && (!has_right || l.trace < r.trace)) {
			sum = l;
			has_left = slice_read(left, &l);
		} else {
			sum = r;
			has_right = slice_read(right, &r);
		}
		slice_write(writer, &sum);
	}
}
