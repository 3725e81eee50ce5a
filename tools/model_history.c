// SPDX-License-Identifier: MIT

/* A model's past, from the collector itself or from the chunks of a snapshot: made to agree with its present. */

#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "model_build.h"
#include "slice_code.h"

/** What the snapshot's chunks say. */
static struct history *read_chunks(struct model *model, const struct snapshot *snapshot)
{
	size_t count;
	const struct chunk *chunks = snapshot_chunks(snapshot, model->number, &count);
	struct history *history = history_new(0);

	for (size_t i = 0; i < count; i++) {
		if (chunks[i].kind == HT_CHUNK_TIMELINE)
			model->corrupt_records += history_read_timeline(history, (const struct ht_chunk *)chunks[i].data,
									chunks[i].size);
		else if (chunks[i].kind == HT_CHUNK_SLICES)
			model->corrupt_records += history_read_slices(history, (const struct ht_chunk *)chunks[i].data,
								      chunks[i].size);
	}
	return history;
}

/** The figures of the model's own moment. */
static struct timeline_point last_point(const struct model *model, uint64_t before_ns)
{
	struct timeline_point point = {
		.ns = model->now_ns,
		.live_bytes = model->totals.live_bytes,
		.live_blocks = model->totals.live_blocks,
		.allocations = model->totals.allocations,
		.allocated_bytes = model->totals.allocated_bytes,
		.rss = model->host.statm.ns ? model->host.statm.resident : UNKNOWN_FIGURE,
		.allocator_arena = UNKNOWN_FIGURE,
		.allocator_hblkhd = UNKNOWN_FIGURE,
		.allocator_uordblks = UNKNOWN_FIGURE,
	};

	if (model->allocator_ns && model->allocator_ns >= before_ns) {
		point.allocator_arena = model->allocator_arena;
		point.allocator_hblkhd = model->allocator_hblkhd;
		point.allocator_uordblks = model->allocator_uordblks;
	}
	return point;
}

static void set_timeline(struct model *model, const struct history *history)
{
	struct timeline_point start = { .ns = model->start_ns, .rss = UNKNOWN_FIGURE, .allocator_arena = UNKNOWN_FIGURE,
					.allocator_hblkhd = UNKNOWN_FIGURE, .allocator_uordblks = UNKNOWN_FIGURE };
	uint64_t before_ns = 0;
	size_t count = 0;

	model->timeline = memory_zeroed(history->point_count + 2, sizeof(*model->timeline));
	if (model->start_ns < model->now_ns)
		model->timeline[count++] = start;
	for (size_t i = 0; i < history->point_count; i++) {
		const struct timeline_point *point = &history->points[i];

		if (point->ns <= model->start_ns || point->ns >= model->now_ns)
			continue;
		model->timeline[count++] = *point;
		before_ns = point->ns;
	}
	model->timeline[count++] = last_point(model, before_ns);
	model->timeline_count = count;
}

/** What the slices of a process have said so far. */
struct summing {
	struct model *model;
	const struct past *past;
	struct slice_change *sums; /* of each backtrace */
	size_t room;               /* of the changes of the last slice */
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t live_of(uint64_t allocated, uint64_t freed)
{
	return allocated > freed ? allocated - freed : 0;
}

/** A slice that has what the one before had. */
static struct slice *begin_slice(struct summing *summing, uint64_t ns)
{
	struct model *model = summing->model;
	struct slice *slice = &model->slices[model->slice_count++];

	if (model->slice_count > 1)
		*slice = slice[-1];
	slice->ns = ns;
	slice->changes = NULL;
	slice->change_count = 0;
	summing->room = 0;
	return slice;
}

/** Note what happened to a backtrace, if anything did. */
static void add_change(struct summing *summing, struct slice *slice, const struct slice_change *change)
{
	struct slice_change *sum = &summing->sums[change->backtrace];

	if (!(change->allocated_blocks | change->allocated_bytes | change->freed_blocks | change->freed_bytes))
		return;
	slice->changes = memory_grow(slice->changes, slice->change_count, &summing->room, sizeof(*slice->changes));
	slice->changes[slice->change_count++] = *change;
	slice->live_blocks -= live_of(sum->allocated_blocks, sum->freed_blocks);
	slice->live_bytes -= live_of(sum->allocated_bytes, sum->freed_bytes);
	sum->allocated_blocks += change->allocated_blocks;
	sum->allocated_bytes += change->allocated_bytes;
	sum->freed_blocks += change->freed_blocks;
	sum->freed_bytes += change->freed_bytes;
	slice->live_blocks += live_of(sum->allocated_blocks, sum->freed_blocks);
	slice->live_bytes += live_of(sum->allocated_bytes, sum->freed_bytes);
	slice->allocations += change->allocated_blocks;
	slice->allocated_bytes += change->allocated_bytes;
}

/** What is left until the model's own figures: no slice may say more than they do. */
static struct slice_change rest_of(const struct summing *summing, uint32_t number)
{
	const struct backtrace *backtrace = &summing->model->backtraces[number];
	const struct slice_change *sum = &summing->sums[number];

	return (struct slice_change) { number, backtrace->total_blocks - sum->allocated_blocks,
				       backtrace->total_bytes - sum->allocated_bytes,
				       backtrace->freed_blocks - sum->freed_blocks,
				       backtrace->freed_bytes - sum->freed_bytes };
}

static void add_delta(struct summing *summing, struct slice *slice, const struct slice_delta *delta)
{
	uint32_t number = summing->past->backtrace_of(summing->past->builder, delta->trace);
	struct slice_change rest, change;

	if (number >= summing->model->backtrace_count)
		return; /* from before a reset, or broken, and counted as that already */
	rest = rest_of(summing, number);
	change = (struct slice_change) { number, least(delta->allocated_blocks, rest.allocated_blocks),
					 least(delta->allocated_bytes, rest.allocated_bytes),
					 least(delta->freed_blocks, rest.freed_blocks),
					 least(delta->freed_bytes, rest.freed_bytes) };
	add_change(summing, slice, &change);
}

static void add_slice(struct summing *summing, const struct history_slice *from)
{
	struct slice_reader reader = slice_reader_of(from->bytes, from->size);
	struct slice *slice = begin_slice(summing, from->ns);
	struct slice_delta delta;

	while (slice_read(&reader, &delta))
		add_delta(summing, slice, &delta);
	summing->model->corrupt_records += reader.broken;
}

static void add_last_slice(struct summing *summing)
{
	struct slice *slice = begin_slice(summing, summing->model->now_ns);

	for (uint32_t i = 0; i < summing->model->backtrace_count; i++) {
		struct slice_change rest = rest_of(summing, i);

		add_change(summing, slice, &rest);
	}
}

static void set_slices(struct model *model, const struct past *past, const struct history *history)
{
	struct summing summing = { .model = model, .past = past };
	uint64_t start_ns = past->reset_ns > model->start_ns ? past->reset_ns : model->start_ns;

	model->slice_interval_ns = history->slice_interval_ns;
	if (!history->slice_interval_ns)
		return;
	model->slice_kept_ns = history->slice_interval_ns * (history->slice_step ? history->slice_step : 1);
	model->slices_dear = history->dear;
	model->slices = memory_zeroed(history->slice_count + 2, sizeof(*model->slices));
	summing.sums = memory_zeroed(model->backtrace_count, sizeof(*summing.sums));
	begin_slice(&summing, start_ns);
	for (size_t i = 0; i < history->slice_count; i++) {
		if (history->slices[i].ns > start_ns && history->slices[i].ns < model->now_ns)
			add_slice(&summing, &history->slices[i]);
	}
	if (start_ns < model->now_ns)
		add_last_slice(&summing);
	free(summing.sums);
}

void model_set_history(struct model *model, const struct past *past)
{
	struct history *read = past->host ? NULL : read_chunks(model, past->snapshot), *none = history_new(0);
	const struct history *history = read ? read : past->host->history ? past->host->history : none;

	set_timeline(model, history);
	set_slices(model, past, history);
	history_free(read);
	history_free(none);
}

void model_free_history(struct model *model)
{
	for (size_t i = 0; i < model->slice_count; i++)
		free(model->slices[i].changes);
	free(model->slices);
	free(model->timeline);
}
