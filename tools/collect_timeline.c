// SPDX-License-Identifier: MIT

/*
 * Samples of the processes' figures over time. They are read from the segment, from outside: the program does nothing for
 * them. At first a process is sampled at each tick; whenever its timeline is full it is thinned to a half and the
 * interval doubles, so a run of any length has 256 to 512 points.
 *
 * What is live can be had from the cells of all threads only, 32 bytes for each trace and thread. Reading 13 MB of them
 * (50,000 backtraces in 8 threads) takes 3 ms: samples take a hundredth of the time at most, and where a process
 * has more cells than CELLS_LIMIT only what it publishes itself is read.
 *
 * The cells change while they are read. With one thread what it has live never exceeds its peak; with several the sum is
 * held within the bound of what the threads publish. A process that stands still is read exactly.
 */

#include <string.h>
#include <unistd.h>

#include "collect.h"
#include "history.h"

#define SHARE 100u           /* of the time is the most that samples may take */
#define ROUND_NS 3000000u    /* after so long the loop has to go on; the others' turn comes at a later tick */
#define CELLS_LIMIT (512ull << 20)

/** What all threads of a process allocated and freed. */
struct sums {
	struct ht_pair allocated, freed;
	uint32_t first_trace; /* those below do not count: they are another's, or from before a reset */
};

static void add_cells(void *data, uint32_t base, const struct ht_cell *cells)
{
	struct sums *sums = data;
	for (unsigned i = base < sums->first_trace ? sums->first_trace - base : 0; i < HT_BLOCK_CELLS; i++) {
		sums->allocated.blocks += cells[i].allocated.blocks;
		sums->allocated.bytes += cells[i].allocated.bytes;
		sums->freed.blocks += cells[i].freed.blocks;
		sums->freed.bytes += cells[i].freed.bytes;
	}
}

static void visit_chunk(const struct ht_cells *cells, cells_visitor *visit, void *data)
{
	for (unsigned j = 1; j < HT_CHUNK_BLOCKS; j++) {
		uint32_t base = cells->base[j] - 1;
		if (cells->base[j] && base % HT_BLOCK_CELLS == 0 && base < HT_MAX_TRACES)
			visit(data, base, &cells->cells[(j - 1) * HT_BLOCK_CELLS]);
	}
}

bool cells_read(const struct process *process, cells_visitor *visit, void *data)
{
	static struct ht_cells cells;
	uint64_t size = 0;
	for (size_t i = 0; i < process->span_count; i++) {
		const struct span *span = &process->spans[i];
		if (span->kind != HT_CHUNK_CELLS || span->size != sizeof(cells))
			continue;
		size += span->size;
		if (size > CELLS_LIMIT ||
		    pread(process->image->fd, &cells, sizeof(cells), (off_t)span->offset) != sizeof(cells))
			return false;
		visit_chunk(&cells, visit, data);
	}
	return true;
}

/** Hold a figure within `bound` of what was published, or below the peak. */
static uint64_t hold(uint64_t allocated, uint64_t freed, int64_t published, uint64_t peak, uint64_t bound, bool threaded)
{
	uint64_t live = (int64_t)(allocated - freed) > 0 ? allocated - freed : 0;
	uint64_t middle = published > 0 ? (uint64_t)published : 0;
	if (!threaded)
		return live < peak ? live : peak;
	if (live > middle + bound)
		return middle + bound;
	return live + bound < middle ? middle - bound : live;
}

static uint64_t bound_of(const struct ht_process *record, uint8_t shift)
{
	return ((uint64_t)record->threads + 1) << (shift & 31);
}

static void fill_figures(const struct process *process, struct timeline_point *point)
{
	struct sums sums = {.first_trace = process->record->first_trace};
	bool complete = cells_read(process, add_cells, &sums);
	struct ht_process record = *process->record; /* a copy: the program may write to it */
	bool threaded = record.flags & HT_PROCESS_THREADED;
	if (complete) {
		point->allocations = sums.allocated.blocks;
		point->allocated_bytes = sums.allocated.bytes;
		point->live_blocks = hold(sums.allocated.blocks, sums.freed.blocks, record.live_blocks, record.peak_blocks,
					  bound_of(&record, record.block_shift), threaded);
		point->live_bytes = hold(sums.allocated.bytes, sums.freed.bytes, record.live_bytes, record.peak_bytes,
					 bound_of(&record, record.quantum_shift), threaded);
	} else if (threaded) {
		point->live_blocks = record.live_blocks > 0 ? (uint64_t)record.live_blocks : 0;
		point->live_bytes = record.live_bytes > 0 ? (uint64_t)record.live_bytes : 0;
	}
}

/** glibc's figures, if somebody has asked for them since the last point. */
static void fill_allocator(const struct history *history, const struct ht_process *record, struct timeline_point *point)
{
	uint64_t last = history->point_count ? history->points[history->point_count - 1].ns : 0;
	if (!(record->flags & HT_PROCESS_GLIBC_MALLOC) || record->allocator_ns <= last)
		return;
	point->allocator_arena = record->allocator_arena;
	point->allocator_hblkhd = record->allocator_hblkhd;
	point->allocator_uordblks = record->allocator_uordblks;
}

static void sample(struct run *run, struct process *process)
{
	struct timeline_point point;
	struct history *history = process->facts.history;
	memset(&point, 0xff, sizeof(point)); /* UNKNOWN_FIGURE everywhere */
	if (process->pid && procfs_statm(process->pid, &process->facts.statm) == 0) {
		process->facts.statm.ns = collect_run_ns(run);
		point.rss = process->facts.statm.resident;
	}
	point.ns = collect_run_ns(run);
	fill_allocator(history, process->record, &point);
	fill_figures(process, &point);
	if (point.live_bytes != UNKNOWN_FIGURE)
		history_add(history, &point);
	process->point_due_ns = point.ns + history->interval_ns;
}

/** Whose turn it is: the one that has waited longest. */
static struct process *next_due(struct run *run, uint64_t now)
{
	struct process *found = NULL;
	for (struct image *image = run->images; image; image = image->next) {
		for (struct process *process = image->processes; process; process = process->next) {
			if (process->record && !process->ended && process->point_due_ns <= now &&
			    (!found || process->point_due_ns < found->point_due_ns))
				found = process;
		}
	}
	return found;
}

void timeline_tick(struct run *run)
{
	uint64_t begin = collect_run_ns(run), now = begin;
	if (begin < run->points_due_ns)
		return;
	for (struct process *process; now < begin + ROUND_NS && (process = next_due(run, begin));) {
		sample(run, process);
		now = collect_run_ns(run);
	}
	run->points_due_ns = begin + (now - begin) * SHARE;
}
