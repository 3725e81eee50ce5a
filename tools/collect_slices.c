// SPDX-License-Identifier: MIT

/*
 * Slices (--interval): what each trace allocated and freed until a moment, less what it had until the slice before. Read
 * from outside, like the timeline. What has to be kept for that is two figures for each trace and the slices themselves,
 * which are bounded: see history.h.
 *
 * A slice that takes long is taken less often: a tenth of the time is the most.
 */

#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "history.h"
#include "memory.h"
#include "slice_code.h"

#define SHARE 10u

/** Cells that all threads have for the traces base ... base + 31, summed up. */
struct block {
	uint32_t base;
	bool touched; /* in the slice being taken */
	struct ht_cell now[HT_BLOCK_CELLS], last[HT_BLOCK_CELLS];
};

struct slicer {
	struct table known;   /* base to number of the block */
	struct block *blocks;
	uint32_t *order;      /* numbers of blocks, by base */
	size_t block_count, block_room;
	size_t limit;         /* no process has more blocks than its cells have room for */
	uint32_t first_trace; /* traces below do not count: others' or from before a reset */
};

static struct block *find_block(struct slicer *slicer, uint32_t base)
{
	const uint32_t *known = table_find(&slicer->known, base, 0);
	bool fresh;
	if (known)
		return &slicer->blocks[*known];
	if (slicer->block_count >= slicer->limit) /* somebody writes over its segment */
		return NULL;
	*table_at(&slicer->known, base, 0, &fresh) = (uint32_t)slicer->block_count;
	slicer->blocks = memory_grow(slicer->blocks, slicer->block_count, &slicer->block_room, sizeof(*slicer->blocks));
	struct block *block = &slicer->blocks[slicer->block_count++];
	memset(block, 0, sizeof(*block));
	block->base = base;
	return block;
}

static void add_block(void *data, uint32_t base, const struct ht_cell *cells)
{
	struct block *block = find_block(data, base);
	if (!block)
		return;
	if (!block->touched)
		memset(block->now, 0, sizeof(block->now));
	block->touched = true;
	for (unsigned i = 0; i < HT_BLOCK_CELLS; i++) {
		block->now[i].allocated.blocks += cells[i].allocated.blocks;
		block->now[i].allocated.bytes += cells[i].allocated.bytes;
		block->now[i].freed.blocks += cells[i].freed.blocks;
		block->now[i].freed.bytes += cells[i].freed.bytes;
	}
}

/** What a counter has grown by. It never falls, but a copy of one that is being written may be torn. */
static uint64_t advance(uint64_t *last, uint64_t now)
{
	uint64_t delta = now > *last ? now - *last : 0;
	*last += delta;
	return delta;
}

static void write_block(struct slice_writer *writer, struct block *block, uint32_t first_trace)
{
	block->touched = false;
	for (unsigned i = 0; i < HT_BLOCK_CELLS; i++) {
		struct ht_cell *now = &block->now[i], *last = &block->last[i];
		if (block->base + i < first_trace || block->base + i == 0)
			continue;
		struct slice_delta delta = {
			.trace = block->base + i,
			.allocated_blocks = advance(&last->allocated.blocks, now->allocated.blocks),
			.allocated_bytes = advance(&last->allocated.bytes, now->allocated.bytes),
			.freed_blocks = advance(&last->freed.blocks, now->freed.blocks),
			.freed_bytes = advance(&last->freed.bytes, now->freed.bytes),
		};
		if (delta.allocated_blocks | delta.allocated_bytes | delta.freed_blocks | delta.freed_bytes)
			slice_write(writer, &delta);
	}
}

static int base_order(const void *a, const void *b, void *data)
{
	const struct block *blocks = data;
	uint32_t left = blocks[*(const uint32_t *)a].base, right = blocks[*(const uint32_t *)b].base;
	return left < right ? -1 : left > right;
}

static void sort_blocks(struct slicer *slicer, size_t sorted)
{
	if (sorted == slicer->block_count)
		return;
	slicer->order = memory_resize(slicer->order, slicer->block_count, sizeof(*slicer->order));
	for (size_t i = 0; i < slicer->block_count; i++)
		slicer->order[i] = (uint32_t)i;
	qsort_r(slicer->order, slicer->block_count, sizeof(*slicer->order), base_order, slicer->blocks);
}

void slicer_free(struct slicer *slicer)
{
	if (!slicer)
		return;
	table_free(&slicer->known);
	free(slicer->blocks);
	free(slicer->order);
	free(slicer);
}

/** The process's slicer; a new one after a reset, whose figures begin at 0. */
static struct slicer *slicer_of(struct process *process)
{
	uint32_t first_trace = process->record->first_trace;
	if (process->slicer && process->slicer->first_trace != first_trace) {
		history_drop_slices(process->facts.history);
		slicer_free(process->slicer);
		process->slicer = NULL;
	}
	if (!process->slicer) {
		process->slicer = memory_zeroed(1, sizeof(*process->slicer));
		process->slicer->first_trace = first_trace;
	}
	return process->slicer;
}

/** Take a slice; `number` is the interval's. */
static void take(struct run *run, struct process *process, uint64_t now, uint64_t number)
{
	struct slicer *slicer = slicer_of(process);
	struct slice_writer writer = {0};
	size_t sorted = slicer->block_count;
	slicer->limit = process->span_count * HT_CHUNK_BLOCKS;
	if (!cells_read(process, add_block, slicer) && !run->said_no_slices) {
		run->said_no_slices = true;
		collect_say(run, "slices of %s (pid %d) are not complete: it has more backtraces than can be read while it runs; "
			    "use a smaller --depth", process->name, (int)process->pid);
	}
	sort_blocks(slicer, sorted);
	for (size_t i = 0; i < slicer->block_count; i++)
		write_block(&writer, &slicer->blocks[slicer->order[i]], slicer->first_trace);
	history_add_slice(process->facts.history, now, number, memory_resize(writer.bytes, writer.size, 1), writer.size);
}

/** When the next one is due: at a multiple of the step, but not so soon that slices take more than their share. */
static uint64_t next_due(struct history *history, uint64_t number, uint64_t now, uint64_t cost)
{
	uint64_t step = history->slice_step ? history->slice_step : 1, distance = history->slice_interval_ns * step;
	uint64_t due = (number / step + 1) * distance, affordable = now + cost * SHARE;
	if (due >= affordable)
		return due;
	history->dear |= affordable > due + distance;
	return (affordable + distance - 1) / distance * distance;
}

static void take_if_due(struct run *run, struct process *process)
{
	uint64_t start = process->record->start_ns, begin = collect_run_ns(run), interval = run->options->interval_ns;
	struct history *history = process->facts.history;
	if (!process->slice_due_ns)
		process->slice_due_ns = interval;
	if (begin <= start || begin - start < process->slice_due_ns)
		return;
	uint64_t step = history->slice_step ? history->slice_step : 1, number = (begin - start) / interval / step * step;
	take(run, process, begin, number);
	uint64_t now = collect_run_ns(run);
	process->slice_due_ns = next_due(history, number, now - start, now - begin);
}

void slices_tick(struct run *run)
{
	if (!run->options->interval_ns)
		return;
	for (struct image *image = run->images; image; image = image->next) {
		for (struct process *process = image->processes; process; process = process->next) {
			if (process->record && !process->ended)
				take_if_due(run, process);
		}
	}
}
