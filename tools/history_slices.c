// SPDX-License-Identifier: MIT

/*
 * The slices of a process's past: see history.h. Each holds what happened since the one before, so a slice goes by adding
 * its deltas to the next one's; what did not change costs nothing.
 */

#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "slice_code.h"

#define FEWEST 3u /* first, one between, last: these stay whatever they take */
#define MOST_SLICES_READ 65536u /* of somebody else's file */

static struct slice_reader reader_of(const struct history_slice *slice)
{
	return slice_reader_of(slice->bytes, slice->size);
}

/** Add a slice's deltas to those of the one behind it, and drop it. */
static void merge_into(struct history *history, struct history_slice *slice, struct history_slice *next)
{
	struct slice_writer writer = { 0 };
	struct slice_reader left = reader_of(slice), right = reader_of(next);

	slice_merge(&writer, &left, &right);
	history->slice_bytes += writer.size;
	history->slice_bytes -= slice->size + next->size;
	free(slice->bytes);
	free(next->bytes);
	next->bytes = memory_resize(writer.bytes, writer.size, 1);
	next->size = writer.size;
}

/** Keep the first, the last, and of the others those whose numbers are multiples of twice the step. */
static void thin_slices(struct history *history)
{
	uint64_t step = !history->slice_step ? 2 : history->slice_step < UINT64_MAX / 4 ? history->slice_step * 2 :
											   history->slice_step;
	size_t kept = 1;

	for (size_t i = 1; i < history->slice_count; i++) {
		struct history_slice *slice = &history->slices[i];

		if (i + 1 < history->slice_count && slice->number % step)
			merge_into(history, slice, slice + 1);
		else
			history->slices[kept++] = *slice;
	}
	history->slice_count = kept;
	history->slice_step = step;
}

/** The last one stays whatever its number is, until another is the last. */
static void drop_stray(struct history *history)
{
	struct history_slice *last = &history->slices[history->slice_count - 1];

	if (history->slice_count < 3 || !history->slice_step || last[-1].number % history->slice_step == 0)
		return;
	merge_into(history, last - 1, last);
	last[-1] = *last;
	history->slice_count--;
}

void history_add_slice(struct history *history, uint64_t ns, uint64_t number, uint8_t *bytes, size_t size)
{
	history->slices = memory_grow(history->slices, history->slice_count, &history->slice_room,
				      sizeof(*history->slices));
	history->slices[history->slice_count++] = (struct history_slice) { ns, number, bytes, size };
	history->slice_bytes += size;
	drop_stray(history);
	while (history->slice_count > HISTORY_SLICES ||
	       (history->slice_bytes > HISTORY_SLICE_BYTES && history->slice_count > FEWEST))
		thin_slices(history);
}

void history_drop_slices(struct history *history)
{
	for (size_t i = 0; i < history->slice_count; i++)
		free(history->slices[i].bytes);
	history->slice_count = 0;
	history->slice_bytes = 0;
}

static size_t record_size(const struct history_slice *slice)
{
	return (sizeof(struct ht_slice) + slice->size + 7) / 8 * 8;
}

struct ht_slices *history_slices_chunk(const struct history *history, uint32_t process)
{
	uint64_t size = sizeof(struct ht_slices), at = size;
	struct ht_slices *chunk;

	if (!history->slice_interval_ns)
		return NULL;
	for (size_t i = 0; i < history->slice_count; i++)
		size += record_size(&history->slices[i]);
	chunk = memory_zeroed(1, size);
	*chunk = (struct ht_slices) {
		.head = { .magic = HT_CHUNK_MAGIC, .kind = HT_CHUNK_SLICES, .size = size, .process = process },
		.count = (uint32_t)history->slice_count,
		.flags = history->dear ? HT_SLICES_DEAR : 0,
		.interval_ns = history->slice_interval_ns,
		.kept_ns = history->slice_interval_ns * (history->slice_step ? history->slice_step : 1),
	};
	for (size_t i = 0; i < history->slice_count; i++) {
		const struct history_slice *slice = &history->slices[i];
		struct ht_slice *record = (struct ht_slice *)((uint8_t *)chunk + at);

		record->size = (uint32_t)record_size(slice);
		record->ns = slice->ns;
		if (slice->size)
			memcpy(record->bytes, slice->bytes, slice->size);
		at += record->size;
	}
	return chunk;
}

/** The next record, if it is whole. */
static const struct ht_slice *record_at(const struct ht_slices *chunk, uint64_t at, uint64_t size)
{
	const struct ht_slice *record = (const struct ht_slice *)((const uint8_t *)chunk + at);

	if (size - at < sizeof(*record) || record->size < sizeof(*record) || record->size % 8 || record->size > size - at)
		return NULL;
	return record;
}

static void take_over(struct history *history, const struct ht_slice *record)
{
	struct history_slice slice = { .ns = record->ns, .size = record->size - sizeof(*record) };

	slice.bytes = memory_zeroed(slice.size, 1);
	memcpy(slice.bytes, record->bytes, slice.size);
	history->slices = memory_grow(history->slices, history->slice_count, &history->slice_room,
				      sizeof(*history->slices));
	history->slices[history->slice_count++] = slice;
	history->slice_bytes += slice.size;
}

size_t history_read_slices(struct history *history, const struct ht_chunk *head, uint64_t size)
{
	const struct ht_slices *chunk = (const struct ht_slices *)head;
	uint64_t at = sizeof(*chunk), last_ns = 0;

	history_drop_slices(history);
	if (size < sizeof(*chunk) || !chunk->interval_ns)
		return 1;
	history->slice_interval_ns = chunk->interval_ns;
	history->slice_step = chunk->kept_ns / chunk->interval_ns;
	history->dear = chunk->flags & HT_SLICES_DEAR;
	for (uint32_t i = 0; i < chunk->count; i++) {
		const struct ht_slice *record = record_at(chunk, at, size);

		if (!record || (i && record->ns <= last_ns) || i == MOST_SLICES_READ)
			return 1; /* what follows cannot be understood without this one */
		take_over(history, record);
		last_ns = record->ns;
		at += record->size;
	}
	return 0;
}
