// SPDX-License-Identifier: MIT

/* The rows of `heaptrace top`: see top_rows.h. */

#include "top_rows.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static struct top_id id_of(const struct backtrace *backtrace)
{
	uint64_t start = (uint64_t)backtrace->entry << 1 | backtrace->truncated;
	struct top_id id = { mix(0x243f6a8885a308d3ull, start), mix(0x13198a2e03707344ull, ~start) };

	for (unsigned i = 0; i < backtrace->depth; i++) {
		const struct frame *frame = backtrace->frames[i];
		uint32_t module = frame->module ? frame->module->number : 0;

		id.a = mix(mix(id.a, frame->address), module);
		id.b = mix(mix(id.b, module), frame->address);
	}
	return id;
}

/** The memory of a backtrace; one that comes later has grown from nothing. */
static struct top_past *past_of(struct top_memory *memory, struct top_id id, const struct backtrace *backtrace)
{
	bool fresh;
	uint32_t *number = table_at(&memory->known, id.a, id.b, &fresh);

	if (!fresh)
		return &memory->pasts[*number - 1];
	memory->pasts = memory_grow(memory->pasts, memory->count, &memory->room, sizeof(*memory->pasts));
	*number = (uint32_t)memory->count + 1;
	memory->pasts[memory->count] = (struct top_past) { 0 };
	if (!memory->begun)
		memory->pasts[memory->count] = (struct top_past) {
			backtrace->live_bytes, backtrace->live_bytes, backtrace->total_blocks,
		};
	return &memory->pasts[memory->count++];
}

/** Thousandths per second; figures that went back (a copy of slightly different moments) count as still. */
static uint64_t per_second(uint64_t before, uint64_t after, uint64_t ns)
{
	if (!ns || after <= before)
		return 0;
	return (uint64_t)((unsigned __int128)(after - before) * 1000000000000u / ns);
}

static void set_row(struct top_row *row, struct top_memory *memory, const struct backtrace *backtrace, uint64_t ns)
{
	struct top_past *past;

	*row = (struct top_row) { .backtrace = backtrace, .id = id_of(backtrace) };
	past = past_of(memory, row->id, backtrace);
	if (memory->new_baseline)
		past->base_bytes = backtrace->live_bytes;
	row->growth = (int64_t)(backtrace->live_bytes - past->live_bytes);
	row->since = (int64_t)(backtrace->live_bytes - past->base_bytes);
	row->allocs = backtrace->total_blocks > past->total_blocks ? backtrace->total_blocks - past->total_blocks : 0;
	row->rate = per_second(past->total_blocks, backtrace->total_blocks, ns);
	past->live_bytes = backtrace->live_bytes;
	past->total_blocks = backtrace->total_blocks;
}

static struct top_rates rates_of(const struct top_memory *memory, const struct totals *totals, uint64_t ns)
{
	return (struct top_rates) {
		.known = memory->begun && ns,
		.allocations = per_second(memory->totals.allocations, totals->allocations, ns),
		.frees = per_second(memory->totals.frees, totals->frees, ns),
		.allocated_bytes = per_second(memory->totals.allocated_bytes, totals->allocated_bytes, ns),
	};
}

struct top_refresh *top_refresh_make(struct top_memory *memory, struct model *model)
{
	struct top_refresh *refresh = memory_zeroed(1, sizeof(*refresh));
	uint64_t ns = memory->begun && model->now_ns > memory->now_ns ? model->now_ns - memory->now_ns : 0;

	refresh->model = model;
	refresh->count = model->backtrace_count;
	refresh->rows = memory_zeroed(refresh->count + 1, sizeof(*refresh->rows));
	for (size_t i = 0; i < refresh->count; i++)
		set_row(&refresh->rows[i], memory, &model->backtraces[i], ns);
	refresh->rates = rates_of(memory, &model->totals, ns);
	if (!memory->begun || memory->new_baseline)
		memory->baseline_ns = model->now_ns;
	refresh->baseline_ns = memory->baseline_ns;
	memory->totals = model->totals;
	memory->now_ns = model->now_ns;
	memory->begun = true;
	memory->new_baseline = false;
	return refresh;
}

void top_refresh_free(struct top_refresh *refresh)
{
	if (!refresh)
		return;
	model_free(refresh->model);
	free(refresh->rows);
	free(refresh);
}

void top_memory_new_baseline(struct top_memory *memory)
{
	memory->new_baseline = memory->begun;
}

void top_memory_free(struct top_memory *memory)
{
	table_free(&memory->known);
	free(memory->pasts);
	*memory = (struct top_memory) { 0 };
}

/** The larger, the higher up. */
static int64_t value_of(const struct top_row *row, enum sort_key key)
{
	switch (key) {
	case SORT_COUNT:
		return (int64_t)row->backtrace->live_blocks;
	case SORT_PEAK:
		return (int64_t)row->backtrace->peak_bytes;
	case SORT_TOTAL:
		return (int64_t)row->backtrace->total_bytes;
	case SORT_GROWTH:
		return row->since;
	case SORT_RATE:
		return (int64_t)row->rate;
	default:
		return (int64_t)row->backtrace->live_bytes;
	}
}

/**
 * A row and what it is sorted by, side by side: to look at the rows of a million backtraces again and again is
 * slow.
 */
struct ranked {
	const struct top_row *row;
	int64_t value;
	uint64_t live_bytes, id;
};

static int rank_order(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->value != right->value)
		return left->value > right->value ? -1 : 1;
	if (left->live_bytes != right->live_bytes)
		return left->live_bytes > right->live_bytes ? -1 : 1;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->row->id.b < right->row->id.b ? -1 : left->row->id.b > right->row->id.b;
}

size_t top_rows_sort(const struct top_refresh *refresh, enum sort_key key, bool (*is_shown)(const struct top_row *, void *),
		     void *data, const struct top_row ***order)
{
	struct ranked *ranked = memory_zeroed(refresh->count + 1, sizeof(*ranked));
	size_t count = 0;

	for (size_t i = 0; i < refresh->count; i++) {
		const struct top_row *row = &refresh->rows[i];

		if (!is_shown || is_shown(row, data))
			ranked[count++] = (struct ranked) { row, value_of(row, key), row->backtrace->live_bytes, row->id.a };
	}
	qsort(ranked, count, sizeof(*ranked), rank_order);
	*order = memory_zeroed(count + 1, sizeof(**order));
	for (size_t i = 0; i < count; i++)
		(*order)[i] = ranked[i].row;
	free(ranked);
	return count;
}
