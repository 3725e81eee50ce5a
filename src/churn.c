// SPDX-License-Identifier: MIT

#include "churn.h"
#include "chunks.h"
#include "live.h"

#define ITEMS HT_CHURN_ITEMS

#define CHUNKS (HT_MAX_TRACES / ITEMS + 1)

static struct ht_churn **chunks; /* [atomic], and each of CHUNKS; half a megabyte that a run without --churn does without */

void churn_forked(void)
{
	for (uint32_t i = 0; chunks && i <= load_relaxed(&guest.process->next_trace) / ITEMS && i < CHUNKS; i++)
		chunks[i] = NULL;
}

static COLD struct ht_churn **make_directory(void)
{
	struct ht_churn **fresh = memory_map(CHUNKS * sizeof(*fresh)), **now = NULL;

	if (!fresh || __atomic_compare_exchange_n(&chunks, &now, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return fresh;
	memory_unmap(fresh, CHUNKS * sizeof(*fresh));
	return now;
}

/* Two threads that come at once leave a granule unpublished. NULL: no room. */
static COLD struct ht_churn *make_chunk(struct ht_churn **place, uint32_t index)
{
	struct ht_chunk *fresh = chunk_take(HT_CHUNK_CHURN, HT_GRANULE, index * (ITEMS + 1), 0);
	struct ht_churn *now = NULL;

	if (!fresh)
		return NULL;
	if (!__atomic_compare_exchange_n(place, &now, (struct ht_churn *)fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return now;
	chunk_publish(fresh);
	return (struct ht_churn *)fresh;
}

static struct ht_churn *item(uint32_t trace)
{
	struct ht_churn **directory = load_acquire(&chunks);

	if (unlikely(!directory) && !(directory = make_directory()))
		return NULL;
	struct ht_churn *chunk = load_acquire(&directory[trace / ITEMS]);

	if (unlikely(!chunk))
		chunk = make_chunk(&directory[trace / ITEMS], trace / ITEMS);
	return chunk ? &chunk[trace % ITEMS + 1] : NULL;
}

/* Class of a size: 0 up to 8 bytes, 1 up to 16, ... */
static unsigned class_of(uint64_t size)
{
	unsigned class = size <= 8 ? 0 : 61 - (unsigned)__builtin_clzll(size - 1);

	return class < HT_CHURN_CLASSES ? class : HT_CHURN_CLASSES - 1;
}

void churn_allocated(struct thread *thread, uint32_t trace, const void *block, uint64_t size)
{
	struct ht_churn *churn = item(trace);

	if (churn)
		add_relaxed(&churn->sizes[class_of(size)], 1);
	if (!thread->shared)
		thread->last_block = (uintptr_t)block;
}

void churn_freed(struct thread *thread, const void *block)
{
	if (thread->shared || thread->last_block != (uintptr_t)block)
		return;
	thread->last_block = 0;
	struct live_block known = live_take(block);

	if (!known.trace)
		return;
	live_put(block, known.trace, known.size);
	struct ht_churn *churn = known.trace >= guest.process->first_trace ? item(known.trace) : NULL;

	if (!churn)
		return;
	add_relaxed(&churn->temporary_blocks, 1);
	add_relaxed(&churn->temporary_bytes, known.size);
}

void churn_moved(uint32_t trace, uint64_t copied)
{
	struct ht_churn *churn = item(trace);

	if (!churn)
		return;
	add_relaxed(&churn->reallocs, 1);
	if (!copied)
		return;
	add_relaxed(&churn->moved_blocks, 1);
	add_relaxed(&churn->moved_bytes, copied);
}
