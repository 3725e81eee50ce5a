// SPDX-License-Identifier: MIT

/*
 * Each thread has a cell of its own for each trace that it touched: {blocks, bytes} allocated and {blocks, bytes} freed.
 * It is the only writer, and each pair is stored by one 16-byte store, so a kill finds every pair whole and nothing needs
 * to be flushed. The reader sums the cells.
 *
 * Peaks. While there is one thread its cell is the trace's truth, and the peak is exact. With several, a cell's live
 * bytes are published in steps of 4 KiB: whenever a cell crosses a multiple, the step is added to the trace's figure by
 * an atomic operation. No thread keeps back more than one step, which bounds the error; with --exact the step is one byte.
 * What was live at the peak: see struct ht_process in segment.h.
 */

#include "count.h"
#include "chunks.h"
#include "clock.h"
#include "control.h"
#include "process.h"
#include "traces.h"

#include <emmintrin.h>

/* Live blocks and bytes of a cell or of a thread. */
struct live {
	int64_t blocks, bytes;
};

static COLD struct ht_cell *make_cell(struct thread *thread, uint32_t trace)
{
	struct ht_cell ***middle = &thread->cells[trace >> 15], **blocks = load_acquire(middle), **none = NULL;
	struct ht_cells *chunk = thread->chunk;

	if (!blocks) {
		struct ht_cell **fresh = memory_map(1024 * sizeof(*fresh));

		if (!fresh)
			return NULL;
		blocks = __atomic_compare_exchange_n(middle, &none, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
				 ? fresh : none;
	}
	/* The shared state may come here twice at once: then a block is taken by one atomic add, or left unused. */
	uint32_t place = add_relaxed(&thread->blocks_used, 1) + 1;

	if (!chunk || place >= HT_CHUNK_BLOCKS) {
		chunk = (struct ht_cells *)chunk_take(HT_CHUNK_CELLS, HT_GRANULE, 0, thread->slot);
		if (!chunk)
			return NULL;
		chunk_publish(&chunk->head);
		store_relaxed(&thread->blocks_used, 1);
		store_release(&thread->chunk, chunk);
		place = 1;
	}
	struct ht_cell *block = &chunk->cells[(place - 1) * HT_BLOCK_CELLS], *taken = NULL;

	if (!__atomic_compare_exchange_n(&blocks[trace >> 5 & 1023], &taken, block, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return &taken[trace & 31];
	store_release(&chunk->base[place], (trace & ~31u) + 1);
	return &block[trace & 31];
}

INLINE struct ht_cell *find_cell(struct thread *thread, uint32_t trace)
{
	struct ht_cell **blocks = load_acquire(&thread->cells[trace >> 15]);

	if (likely(blocks)) {
		struct ht_cell *block = load_acquire(&blocks[trace >> 5 & 1023]);

		if (likely(block))
			return &block[trace & 31];
	}
	return make_cell(thread, trace);
}

static COLD void add_shared(struct ht_pair *pair, uint64_t size)
{
	uint64_t blocks = load_relaxed(&pair->blocks), bytes = load_relaxed(&pair->bytes);
	bool done;

	do
		__asm__ volatile("lock cmpxchg16b %1\n\tsetz %0"
				 : "=q"(done), "+m"(*pair), "+a"(blocks), "+d"(bytes)
				 : "b"(blocks + 1), "c"(bytes + size)
				 : "memory", "cc");
	while (!done);
}

INLINE void add(struct thread *thread, struct ht_pair *pair, uint64_t size)
{
	if (unlikely(thread->shared)) {
		add_shared(pair, size);
		return;
	}
	__m128i sum = _mm_add_epi64(_mm_load_si128((const __m128i *)pair), _mm_set_epi64x((int64_t)size, 1));

	_mm_store_si128((__m128i *)pair, sum);
	__asm__ volatile("" ::: "memory");
}

INLINE struct live live_of(const struct ht_cell *cell)
{
	return (struct live){(int64_t)(cell->allocated.blocks - cell->freed.blocks),
			     (int64_t)(cell->allocated.bytes - cell->freed.bytes)};
}

static void raise_to(uint64_t *peak, int64_t now)
{
	uint64_t old = load_relaxed(peak);

	while (now > 0 && (uint64_t)now > old)
		if (__atomic_compare_exchange_n(peak, &old, (uint64_t)now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return;
}

static void raise_to_32(uint32_t *peak, int64_t now)
{
	uint32_t old = load_relaxed(peak);

	while (now > (int64_t)old)
		if (__atomic_compare_exchange_n(peak, &old, (uint32_t)now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return;
}

/* The whole steps between two figures. */
static int64_t steps(int64_t before, int64_t after, unsigned shift)
{
	return (int64_t)((uint64_t)((after >> shift) - (before >> shift)) << shift);
}

/* Whether there are any, in blocks or bytes. */
INLINE bool crosses(const struct live *before, const struct live *after)
{
	return ((uint64_t)(before->bytes ^ after->bytes) >> guest.quantum_shift) |
	       ((uint64_t)(before->blocks ^ after->blocks) >> guest.block_shift);
}

static COLD void publish_trace(struct ht_trace *record, const struct live *before, const struct live *after,
			       bool threaded)
{
	uint32_t generation = load_relaxed(&guest.process->generation);

	if (threaded && load_relaxed(&record->generation) != generation) {
		int64_t live = load_relaxed(&record->live_bytes);
		int32_t blocks = load_relaxed(&record->live_blocks);

		store_relaxed(&record->at_peak_bytes, live > 0 ? (uint64_t)live : 0);
		store_relaxed(&record->at_peak_blocks, blocks > 0 ? (uint32_t)blocks : 0);
		store_relaxed(&record->generation, generation);
	}
	int64_t bytes_now = __atomic_add_fetch(&record->live_bytes,
					       steps(before->bytes, after->bytes, guest.quantum_shift), __ATOMIC_RELAXED);
	int32_t blocks_now = __atomic_add_fetch(&record->live_blocks,
						(int32_t)steps(before->blocks, after->blocks, guest.block_shift),
						__ATOMIC_RELAXED);

	if (!threaded)
		return;
	raise_to(&record->peak_bytes, bytes_now);
	raise_to_32(&record->peak_blocks, blocks_now);
}

static COLD void publish_process(struct thread *thread, const struct live *before, const struct live *after,
				 bool threaded)
{
	struct ht_process *process = guest.process;
	int64_t bytes = steps(before->bytes, after->bytes, guest.quantum_shift);

	/* Leaving a maximum: whatever a trace had live until now, it had at the peak. */
	if (threaded && bytes < 0 && load_relaxed(&process->peak_pending) &&
	    __atomic_exchange_n(&process->peak_pending, 0, __ATOMIC_RELAXED))
		add_relaxed(&process->generation, 1);
	int64_t bytes_now = __atomic_add_fetch(&process->live_bytes, bytes, __ATOMIC_RELAXED);
	int64_t blocks_now = __atomic_add_fetch(&process->live_blocks,
						steps(before->blocks, after->blocks, guest.block_shift), __ATOMIC_RELAXED);

	if (!threaded)
		return;
	if (bytes_now > 0 && (uint64_t)bytes_now > load_relaxed(&process->peak_bytes)) {
		raise_to(&process->peak_bytes, bytes_now);
		store_relaxed(&process->peak_ns, (uint64_t)thread->tick << HT_TICK_SHIFT);
		store_relaxed(&process->peak_pending, 1);
	}
	raise_to(&process->peak_blocks, blocks_now);
}

/* A trace's own figures while there is one thread: plain stores, exact. */
INLINE void note_single(struct ht_trace *record, const struct live *before, const struct live *after)
{
	uint32_t generation = guest.process->generation;

	if (unlikely(record->generation != generation)) {
		record->at_peak_bytes = before->bytes > 0 ? (uint64_t)before->bytes : 0;
		record->at_peak_blocks = before->blocks > 0 ? (uint32_t)before->blocks : 0;
		record->generation = generation;
	}
	if (after->blocks < before->blocks)
		return;
	if (after->bytes > (int64_t)record->peak_bytes)
		record->peak_bytes = (uint64_t)after->bytes;
	if (after->blocks > (int64_t)record->peak_blocks)
		record->peak_blocks = (uint32_t)after->blocks;
}

INLINE bool is_threaded(void)
{
	return load_relaxed(&guest.process->flags) & HT_PROCESS_THREADED;
}

/* The thread's own share after a change. */
INLINE struct live move_share(struct thread *thread, int64_t blocks, int64_t bytes)
{
	if (unlikely(thread->shared))
		return (struct live){__atomic_add_fetch(&thread->live_blocks, blocks, __ATOMIC_RELAXED),
				     __atomic_add_fetch(&thread->live_bytes, bytes, __ATOMIC_RELAXED)};
	return (struct live){thread->live_blocks += blocks, thread->live_bytes += bytes};
}

INLINE void move_process(struct thread *thread, int64_t blocks, int64_t bytes, bool publishing, bool threaded)
{
	struct ht_process *process = guest.process;
	struct live after = move_share(thread, blocks, bytes);

	if (unlikely(publishing)) {
		struct live before = {after.blocks - blocks, after.bytes - bytes};

		if (unlikely(crosses(&before, &after)))
			publish_process(thread, &before, &after, threaded);
	}
	if (threaded || blocks < 0)
		return;
	if (after.bytes > (int64_t)process->peak_bytes) {
		process->peak_bytes = (uint64_t)after.bytes;
		process->peak_ns = (uint64_t)thread->tick << HT_TICK_SHIFT;
		process->peak_pending = 1;
	}
	if (after.blocks > (int64_t)process->peak_blocks)
		process->peak_blocks = (uint64_t)after.blocks;
}

INLINE void move_trace(struct ht_trace *record, const struct live *before, const struct live *after, bool publishing,
		       bool threaded)
{
	if (unlikely(publishing) && unlikely(crosses(before, after)))
		publish_trace(record, before, after, threaded);
	if (!threaded)
		note_single(record, before, after);
}

static COLD void new_tick(struct thread *thread, uint32_t tick)
{
	thread->tick = tick;
	/* A handler may have interrupted the real allocator, whose locks glibc's figures need. */
	if (!thread->shared) {
		process_tick();
		control_poll(thread);
	}
}

/* Stand-alone the clock is read at every 16th event of a thread. */
INLINE void note_time(struct thread *thread, struct ht_trace *record)
{
	if (unlikely(guest.standalone) && !(thread->events++ & 15))
		clock_tick();
	uint32_t tick = load_relaxed(&guest.header->tick);

	if (unlikely(tick != thread->tick))
		new_tick(thread, tick);
	if (unlikely(record->last_tick != tick))
		store_relaxed(&record->last_tick, tick);
}

bool count_allocated(struct thread *thread, uint32_t trace, uint64_t size)
{
	struct ht_cell *cell = find_cell(thread, trace);
	struct ht_trace *record = trace_record(trace);
	bool publishing = load_relaxed(&guest.publishing), threaded = publishing && is_threaded();

	if (unlikely(!cell || !record))
		return false;
	struct live before = live_of(cell), after = {before.blocks + 1, before.bytes + (int64_t)size};

	note_time(thread, record);
	add(thread, &cell->allocated, size);
	move_trace(record, &before, &after, publishing, threaded);
	move_process(thread, 1, (int64_t)size, publishing, threaded);
	return true;
}

void count_freed(struct thread *thread, uint32_t trace, uint64_t size)
{
	struct ht_cell *cell = find_cell(thread, trace);
	struct ht_trace *record = trace_record(trace);
	bool publishing = load_relaxed(&guest.publishing), threaded = publishing && is_threaded();

	if (unlikely(!cell || !record)) {
		count_unseen(table_full);
		return;
	}
	struct live before = live_of(cell), after = {before.blocks - 1, before.bytes - (int64_t)size};

	note_time(thread, record);
	/* Leaving a maximum comes before the change of a trace. */
	if (!threaded && guest.process->peak_pending) {
		guest.process->peak_pending = 0;
		guest.process->generation++;
	}
	if (threaded)
		move_process(thread, -1, -(int64_t)size, publishing, threaded);
	add(thread, &cell->freed, size);
	move_trace(record, &before, &after, publishing, threaded);
	if (!threaded)
		move_process(thread, -1, -(int64_t)size, publishing, threaded);
}

/*
 * Until now the first thread's cells were the truth; from here on the published figures are. The first thread goes on
 * meanwhile: an event of its own may be missed here, which is less than a step.
 */
void count_publish_all(struct thread *first)
{
	struct ht_process *process = guest.process;
	uint32_t end = load_relaxed(&process->next_trace);

	for (uint32_t trace = process->first_trace; trace < end; trace++) {
		struct ht_cell **blocks = load_acquire(&first->cells[trace >> 15]);
		struct ht_cell *block = blocks ? load_acquire(&blocks[trace >> 5 & 1023]) : NULL;
		struct ht_trace *record = trace_record(trace);

		if (!block || !record || trace % 1024 == 0)
			continue;
		struct live none = {0}, live = live_of(&block[trace & 31]);

		add_relaxed(&record->live_bytes, steps(none.bytes, live.bytes, guest.quantum_shift));
		add_relaxed(&record->live_blocks, (int32_t)steps(none.blocks, live.blocks, guest.block_shift));
	}
	add_relaxed(&process->live_bytes, steps(0, load_relaxed(&first->live_bytes), guest.quantum_shift));
	add_relaxed(&process->live_blocks, steps(0, load_relaxed(&first->live_blocks), guest.block_shift));
}
