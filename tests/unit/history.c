// SPDX-License-Identifier: MIT

/*
 * Timelines and slices take bounded room, however long the run; thinning loses no event, keeps first, last and evenly
 * spread ones; a snapshot's chunks say the same; broken chunks are refused and counted.
 */

#include "../../tools/history.h"

#include <stdlib.h>
#include <string.h>

#include "../../tools/slice_code.h"
#include "../lib/tap.h"

#define SECOND 1000000000u

static bool points_ascend(const struct history *history)
{
	for (size_t i = 1; i < history->point_count; i++) {
		if (history->points[i].ns <= history->points[i - 1].ns)
			return false;
	}
	return true;
}

static void bounds_timelines(void)
{
	struct history *history = history_new(SECOND);
	size_t most = 0;
	bool peak = false;

	for (uint64_t i = 0, ns = SECOND; ns < 1000000ull * SECOND; ns += history->interval_ns, i++) {
		struct timeline_point point = { .ns = ns, .live_bytes = i == 700 ? 5000 : i % 100 };

		history_add(history, &point);
		most = history->point_count > most ? history->point_count : most;
	}
	is_int(most, HISTORY_POINTS, "a million seconds: never more than the bound");
	ok(history->point_count >= HISTORY_POINTS / 2, "and never fewer than half of it");
	ok(points_ascend(history), "in the order of time");
	is_int(history->points[0].ns, SECOND, "the first one stays");
	for (size_t i = 0; i < history->point_count; i++)
		peak |= history->points[i].live_bytes == 5000;
	ok(peak, "a peak that one sample saw stays");
	is_int(history->interval_ns, 2048ull * SECOND, "the interval has grown to match");
	for (uint64_t i = 0; i < 100000; i++)
		history_add(history, &(struct timeline_point) { .ns = 2000000ull * SECOND + i });
	ok(history->point_count <= HISTORY_POINTS && points_ascend(history), "whoever comes too often is bounded too");
	history_add(history, &history->points[0]);
	ok(points_ascend(history), "an old point is left out");
	history_free(history);
	history_free(NULL);
}

static bool same_points(const struct history *a, const struct history *b)
{
	return a->point_count == b->point_count &&
	       !memcmp(a->points, b->points, a->point_count * sizeof(*a->points)) && a->interval_ns == b->interval_ns;
}

static void keeps_timelines_in_chunks(void)
{
	struct history *history = history_new(7), *again = history_new(0);
	struct ht_timeline *chunk;
	size_t broken = 0;

	for (uint64_t i = 1; i <= 5; i++)
		history_add(history, &(struct timeline_point) { .ns = i, .live_bytes = i * 10, .rss = UNKNOWN_FIGURE });
	chunk = history_timeline_chunk(history, 3);
	is_int(chunk->head.process, 3, "the chunk's process");
	is_int(history_read_timeline(again, &chunk->head, chunk->head.size), 0, "a sound chunk");
	ok(same_points(history, again), "says the same");
	for (uint64_t size = sizeof(struct ht_chunk); size < chunk->head.size; size += 8)
		broken += history_read_timeline(again, &chunk->head, size) > 0;
	is_int(broken, (chunk->head.size - sizeof(struct ht_chunk)) / 8, "cut anywhere it is broken");
	((struct ht_point *)(chunk + 1))[2].ns = 1;
	is_int(history_read_timeline(again, &chunk->head, chunk->head.size), 1, "a point that goes back in time is broken");
	is_int(again->point_count, 4, "and left out");
	chunk->item_size = 8;
	ok(history_read_timeline(again, &chunk->head, chunk->head.size) > 0 && !again->point_count, "points that are too small");
	chunk->item_size = sizeof(struct ht_point);
	chunk->count = UINT32_MAX;
	ok(history_read_timeline(again, &chunk->head, chunk->head.size) > 0, "more than there are");
	free(chunk);
	history_free(history);
	history_free(again);
}

/** Add a slice in which some traces allocated a block of 10 bytes each. */
static void add_slice(struct history *history, uint64_t number, uint32_t traces)
{
	struct slice_writer writer = { 0 };

	for (uint32_t i = 1; i <= traces; i++)
		slice_write(&writer, &(struct slice_delta) { i * 3, 1, 10, number % 2, number % 2 * 10 });
	history_add_slice(history, number * SECOND, number, writer.bytes, writer.size);
}

/** What all slices say together. */
static struct slice_delta sum_of(const struct history *history)
{
	struct slice_delta sum = { 0 }, delta;

	for (size_t i = 0; i < history->slice_count; i++) {
		const struct history_slice *slice = &history->slices[i];
		struct slice_reader reader = { .at = slice->bytes, .end = slice->bytes + slice->size };

		while (slice_read(&reader, &delta)) {
			sum.trace++;
			sum.allocated_blocks += delta.allocated_blocks;
			sum.allocated_bytes += delta.allocated_bytes;
			sum.freed_blocks += delta.freed_blocks;
			sum.freed_bytes += delta.freed_bytes;
		}
		sum.trace += reader.broken ? 1u << 30 : 0;
	}
	return sum;
}

/** Whether all but the first are multiples of the step, without a gap. */
static bool is_even(const struct history *history)
{
	for (size_t i = 1; i < history->slice_count; i++) {
		if (history->slices[i].number != i * history->slice_step)
			return false;
	}
	return true;
}

static void bounds_slices(void)
{
	struct history *history = history_new(SECOND);
	struct slice_delta sum;
	size_t most = 0, uneven = 0, count = 100000;

	history->slice_interval_ns = SECOND;
	for (uint64_t i = 1; i <= count; i++) {
		add_slice(history, i, 3);
		most = history->slice_count > most ? history->slice_count : most;
		uneven += history->slices[0].number != 1 || history->slices[history->slice_count - 1].number != i;
	}
	is_int(most, HISTORY_SLICES, "a hundred thousand slices: never more than the bound");
	is_int(uneven, 0, "the first and the last are always there");
	sum = sum_of(history);
	is_int(sum.allocated_blocks, 3 * count, "no allocation is lost");
	is_int(sum.allocated_bytes, 30 * count, "nor its bytes");
	is_int(sum.freed_blocks, 3 * count / 2, "no free is lost");
	is_int(sum.freed_bytes, 30 * count / 2, "nor its bytes");
	ok(sum.trace < 3 * HISTORY_SLICES, "what happened to one trace is written once in a slice");
	history_free(history);
}

/** As the collector does: only multiples of the step are taken any more. */
static void spreads_slices_evenly(void)
{
	struct history *history = history_new(SECOND);

	history->slice_interval_ns = SECOND;
	for (uint64_t i = 1; i <= 5000; i += history->slice_step ? history->slice_step - i % history->slice_step : 1)
		add_slice(history, i, 1);
	is_int(history->slice_step, 32, "5,000 intervals: each 32nd is kept");
	ok(history->slice_count > HISTORY_SLICES / 2 && history->slice_count <= HISTORY_SLICES, "that many are left");
	ok(is_even(history), "as far from each other");
	is_int(history->slices[0].number, 1, "but for the first");
	history_free(history);
}

static void bounds_bytes(void)
{
	struct history *history = history_new(SECOND);
	size_t most = 0, few = 0;

	history->slice_interval_ns = SECOND;
	for (uint64_t i = 1; i <= 60; i++) {
		add_slice(history, i, 300000); /* 1.5 MB */
		most = history->slice_bytes > most ? history->slice_bytes : most;
	}
	ok(most <= HISTORY_SLICE_BYTES, "large slices: never more than %u bytes: %zu", HISTORY_SLICE_BYTES, most);
	is_int(sum_of(history).allocated_blocks, 60 * 300000, "and nothing is lost");
	for (uint64_t i = 61; i <= 64; i++) {
		add_slice(history, i, 3000000);
		few = history->slice_count;
	}
	ok(few >= 3, "three stay, whatever they take: %zu", few);
	history_free(history);
}

static void costs_nothing_where_nothing_happens(void)
{
	struct history *history = history_new(SECOND);

	history->slice_interval_ns = SECOND;
	add_slice(history, 1, 1000);
	for (uint64_t i = 2; i < 100; i++)
		add_slice(history, i, 0);
	is_int(history->slice_bytes, history->slices[0].size, "what did not change costs no bytes");
	history_drop_slices(history);
	is_int(history->slice_count + history->slice_bytes, 0, "all can be dropped");
	history_free(history);
}

static void keeps_slices_in_chunks(void)
{
	struct history *history = history_new(SECOND), *again = history_new(0);
	struct ht_slices *chunk;
	size_t broken = 0;

	ok(!history_slices_chunk(history, 3), "without --interval there is no chunk");
	history->slice_interval_ns = SECOND;
	for (uint64_t i = 1; i <= 300; i++)
		add_slice(history, i, (uint32_t)i % 7);
	history->dear = true;
	chunk = history_slices_chunk(history, 3);
	is_int(history_read_slices(again, &chunk->head, chunk->head.size), 0, "a sound chunk");
	is_int(again->slice_count, history->slice_count, "all slices");
	is_int(sum_of(again).allocated_bytes, sum_of(history).allocated_bytes, "with all that they say");
	ok(again->slices[5].ns == history->slices[5].ns && again->slice_step == history->slice_step &&
	   again->slice_interval_ns == SECOND && again->dear, "and when, how often, how dear");
	for (uint64_t size = sizeof(struct ht_chunk); size < chunk->head.size; size += 8)
		broken += history_read_slices(again, &chunk->head, size) > 0;
	is_int(broken, (chunk->head.size - sizeof(struct ht_chunk)) / 8, "cut anywhere it is broken");
	((struct ht_slice *)(chunk + 1))->size = 12;
	ok(history_read_slices(again, &chunk->head, chunk->head.size) > 0 && !again->slice_count, "a record of no size");
	chunk->interval_ns = 0;
	ok(history_read_slices(again, &chunk->head, chunk->head.size) > 0, "an interval of nothing");
	free(chunk);
	history_free(history);
	history_free(again);
}

static void writes_numbers_of_any_size(void)
{
	const struct slice_delta deltas[] = {
		{ 1, 0, 127, 128, UINT64_MAX }, { 2, UINT64_MAX, 1, 0, 0 }, { HT_MAX_TRACES - 1, 0, 0, 1ull << 63, 16383 },
	};
	const uint8_t hostile[][12] = {
		{ 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 }, /* more than 64 bits */
		{ 0xff, 0xff, 0xff, 0x7f, 1, 1, 1, 1 },                            /* no such trace */
		{ 1, 1, 1, 1, 0x80 },                                              /* the end in a number */
	};
	struct slice_writer writer = { 0 };
	struct slice_delta delta;
	unsigned same = 0;

	for (size_t i = 0; i < 3; i++)
		slice_write(&writer, &deltas[i]);
	struct slice_reader reader = { .at = writer.bytes, .end = writer.bytes + writer.size };

	for (size_t i = 0; slice_read(&reader, &delta); i++)
		same += i < 3 && delta.trace == deltas[i].trace && delta.allocated_blocks == deltas[i].allocated_blocks &&
			delta.allocated_bytes == deltas[i].allocated_bytes && delta.freed_blocks == deltas[i].freed_blocks &&
			delta.freed_bytes == deltas[i].freed_bytes;
	ok(same == 3 && !reader.broken, "numbers of any size come back");
	free(writer.bytes);
	for (size_t i = 0; i < 3; i++) {
		reader = (struct slice_reader) { .at = hostile[i], .end = hostile[i] + (i == 2 ? 5 : 12) };
		ok(!slice_read(&reader, &delta) && reader.broken, "broken bytes #%zu", i);
		ok(!slice_read(&reader, &delta), "and nothing behind them");
	}
}

static void goes_through_a_file(void)
{
	struct history *history = history_new(SECOND), *again;

	history->slice_interval_ns = SECOND;
	history_add(history, &(struct timeline_point) { .ns = 5, .live_bytes = 6 });
	add_slice(history, 1, 5);
	again = history_from_file(history_to_file(history));
	ok(same_points(history, again) && again->slice_count == 1 && again->slice_bytes >= history->slice_bytes,
	   "handed on in a file");
	history_free(again);
	again = history_from_file(-1);
	ok(again && !again->point_count, "without a file it is empty");
	history_free(again);
	history_free(history);
}

int main(void)
{
	bounds_timelines();
	keeps_timelines_in_chunks();
	bounds_slices();
	spreads_slices_evenly();
	bounds_bytes();
	costs_nothing_where_nothing_happens();
	keeps_slices_in_chunks();
	writes_numbers_of_any_size();
	goes_through_a_file();
	return tap_done();
}
