// SPDX-License-Identifier: MIT

/*
 * Lock-free throughout: a lock could be held by a thread that is dead, preempted or interrupted by the very handler
 * that waits for it.
 *
 *  - Insertion is one 16-byte compare-and-swap of {hash, number} into an empty slot. The loser of a race gives up its
 *    number (its record is never marked valid) and takes the winner's.
 *  - Growth: one thread copies into a table twice the size and publishes it; the others go on with the old one. What
 *    they insert meanwhile may be missed by the copy; then a backtrace gets a second number, which the reader adds up.
 *  - The old table's pages are given back; a straggler finds zeroes there, that is, nothing, and looks in the new one.
 *
 * The tree of frames is found again through a second table of node numbers, made the same way.
 */

#include "traces.h"
#include "cfi.h"
#include "chunks.h"
#include "clock.h"
#include "table.h"

#define TRACES_CHUNK 1024u
#define NODES_CHUNK 4096u

struct node_table {
	uint64_t mask;
	uint64_t count;    /* [atomic] */
	uintptr_t growing; /* [atomic] */
	uint32_t slots[];  /* [atomic] each: number of the node, and in the bits above a part of its hash */
};

struct table *trace_table;
static struct node_table *node_table;   /* [atomic] */
struct ht_trace *trace_chunks[HT_MAX_TRACES / TRACES_CHUNK];
static struct ht_node *node_chunks[HT_MAX_NODES / NODES_CHUNK];     /* [atomic] each */

static struct node_table *new_node_table(uint64_t slots)
{
	struct node_table *t = memory_map_table(sizeof(*t) + slots * sizeof(uint32_t));

	if (t)
		t->mask = slots - 1;
	return t;
}

bool traces_start(void)
{
	trace_table = table_new(4096);
	node_table = new_node_table(8192);
	return trace_table && node_table;
}

void traces_forked(const struct ht_process *parent)
{
	uint64_t mask = node_table->mask;

	table_clear(trace_table);
	memory_drop(node_table, sizeof(struct node_table) + (mask + 1) * sizeof(uint32_t));
	node_table->mask = mask;
	for (uint32_t i = parent->first_trace / TRACES_CHUNK; i <= parent->next_trace / TRACES_CHUNK; i++)
		if (i < HT_MAX_TRACES / TRACES_CHUNK)
			trace_chunks[i] = NULL;
	for (uint32_t i = 0; i <= parent->next_node / NODES_CHUNK && i < HT_MAX_NODES / NODES_CHUNK; i++)
		node_chunks[i] = NULL;
}

bool traces_reset(void)
{
	struct table *fresh = table_new(4096), *old;

	if (!fresh)
		return false;
	/* First the limit: who still finds an old number counts for what does not count any more. */
	store_release(&guest.process->first_trace, load_relaxed(&guest.process->next_trace));
	old = __atomic_exchange_n(&trace_table, fresh, __ATOMIC_ACQ_REL);
	table_retire(old);
	return true;
}

/* The chunk of items `first` ..., made at first need. The loser of a race leaves an unpublished granule behind. */
static void *chunk_for(void **place, uint32_t kind, uint32_t first)
{
	void *now = load_acquire(place);
	struct ht_chunk *fresh;

	if (likely(now))
		return now;
	fresh = chunk_take(kind, HT_GRANULE, first, 0);
	if (!fresh)
		return NULL;
	if (!__atomic_compare_exchange_n(place, &now, (void *)fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return now;
	chunk_publish(fresh);
	return fresh;
}

/* The next free number behind the places that chunk heads take. */
static uint32_t next_number(uint32_t *next, uint32_t chunk, uint32_t head, uint32_t limit)
{
	for (;;) {
		uint32_t number = add_relaxed(next, 1);

		if (number >= limit) {
			store_relaxed(next, limit);
			return 0;
		}
		if (number % chunk >= head)
			return number;
	}
}

static struct ht_node *node_record(uint32_t number)
{
	return &load_acquire(&node_chunks[number / NODES_CHUNK])[number % NODES_CHUNK];
}

const struct ht_node *trace_node(uint32_t number)
{
	const struct ht_node *chunk = number < HT_MAX_NODES ? load_acquire(&node_chunks[number / NODES_CHUNK]) : NULL;

	return chunk ? &chunk[number % NODES_CHUNK] : NULL;
}

static uint32_t new_node(uint32_t parent, const struct stack_frame *frame)
{
	uint32_t number = next_number(&guest.process->next_node, NODES_CHUNK, 4, HT_MAX_NODES);
	struct ht_node *chunk;

	if (!number)
		return 0;
	chunk = chunk_for((void **)&node_chunks[number / NODES_CHUNK], HT_CHUNK_NODES, number / NODES_CHUNK * NODES_CHUNK);
	if (!chunk)
		return 0;
	chunk[number % NODES_CHUNK] = (struct ht_node){parent, row_module(frame->row), frame->pc};
	return number;
}

static uint64_t node_hash(uint32_t parent, const struct stack_frame *frame)
{
	uint64_t h = (frame->pc ^ (uint64_t)row_module(frame->row) << 48) * 0x9e3779b97f4a7c15ull;

	return (h ^ h >> 29 ^ parent) * 0xbf58476d1ce4e5b9ull >> 20;
}

static void grow_nodes(struct node_table *old)
{
	struct node_table *fresh = load_acquire(&node_table) == old ? new_node_table((old->mask + 1) * 2) : NULL, *now = old;

	if (!fresh)
		return;
	for (uint64_t i = 0; i <= old->mask; i++) {
		uint32_t slot = load_acquire(&old->slots[i]);

		if (!slot)
			continue;
		const struct ht_node *node = node_record(slot % HT_MAX_NODES);
		struct stack_frame frame = {.pc = node->address, .row = (row)node->module << ROW_MODULE_SHIFT};
		uint64_t place = node_hash(node->parent, &frame) & fresh->mask;

		while (fresh->slots[place])
			place = (place + 1) & fresh->mask;
		fresh->slots[place] = slot;
		fresh->count++;
	}
	if (!__atomic_compare_exchange_n(&node_table, &now, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		memory_unmap(fresh, sizeof(*fresh) + (fresh->mask + 1) * sizeof(uint32_t));
		return;
	}
	memory_drop((char *)old + 4096, (old->mask + 1) * sizeof(uint32_t) - 4096);
}

#define NODE_BITS 26
_Static_assert(HT_MAX_NODES == 1u << NODE_BITS, "a node's number and a part of its hash share a slot");

/* What stands in a slot above the number: most others need no look at the node itself. Of the hash's 44 bits the top ones. */
INLINE uint32_t node_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 38) << NODE_BITS;
}

/* @param created  out: nobody had this node before, so nobody can have one below it */
static uint32_t find_node(uint32_t parent, const struct stack_frame *frame, bool *created)
{
	struct node_table *t = load_acquire(&node_table);
	uint32_t fresh = 0;

	if (unlikely(load_relaxed(&t->count) * 8 > t->mask * 5) &&
	    table_should_grow(load_relaxed(&t->count), t->mask, &t->growing)) {
		grow_nodes(t);
		t = load_acquire(&node_table);
	}
	uint64_t hash = node_hash(parent, frame), place = hash & t->mask;
	uint32_t tag = node_tag(hash);

	for (uint64_t probes = 0; probes <= t->mask; probes++, place = (place + 1) & t->mask) {
		uint32_t now = load_acquire(&t->slots[place]);

		if (!now) {
			/* A table that could not grow keeps a last empty place, where searches end. */
			if (!fresh && (table_is_full(load_relaxed(&t->count), t->mask) || !(fresh = new_node(parent, frame))))
				return 0;
			if (__atomic_compare_exchange_n(&t->slots[place], &now, fresh | tag, false, __ATOMIC_ACQ_REL,
							__ATOMIC_ACQUIRE)) {
				add_relaxed(&t->count, 1);
				*created = true;
				return fresh;
			}
		}
		if (now - tag >= HT_MAX_NODES)
			continue;
		const struct ht_node *node = node_record(now - tag);

		if (node->parent == parent && node->address == frame->pc && node->module == row_module(frame->row))
			return now - tag;
	}
	return 0;
}

#define BATCH 16u

/*
 * Numbers for frames below a node that was just created: they are new too. Their numbers follow each other, so that all
 * hashes are known at once, and the cache misses of the table overlap. @return the last one; 0: not this way
 */
static uint32_t new_nodes(uint32_t parent, struct stack_frame *frames, uint32_t count, bool keep)
{
	struct node_table *t = load_acquire(&node_table);
	uint64_t at[BATCH], hash;
	uint32_t slot[BATCH];

	/* Far from full, also when many threads come at once: each search ends. */
	if ((load_relaxed(&t->count) + count) * 4 > t->mask * 3)
		return 0;
	uint32_t first = add_relaxed(&guest.process->next_node, count), place = first % NODES_CHUNK;
	struct ht_node *chunk = first < HT_MAX_NODES ? load_acquire(&node_chunks[first / NODES_CHUNK]) : NULL;

	/* Numbers that are not used stay empty records. */
	if (!chunk || place < 4 || place + count > NODES_CHUNK)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		chunk[place + i] = (struct ht_node){i ? first + i - 1 : parent, row_module(frames[i].row), frames[i].pc};
		hash = node_hash(chunk[place + i].parent, &frames[i]);
		at[i] = hash & t->mask;
		slot[i] = (first + i) | node_tag(hash);
		__builtin_prefetch(&t->slots[at[i]], 1);
		if (keep)
			frames[i].node = first + i;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t none = 0;

		/* A node that finds no place is not found again: then it will be there twice. */
		for (uint64_t probes = 0; probes <= t->mask && !__atomic_compare_exchange_n(&t->slots[at[i]], &none, slot[i],
							false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED); probes++) {
			none = 0;
			at[i] = (at[i] + 1) & t->mask;
		}
	}
	add_relaxed(&t->count, count);
	return first + count - 1;
}

static uint32_t write_frames(const struct sighting *s)
{
	uint32_t node = 0;
	bool created = false;

	for (uint32_t i = 0; i < s->count; i++) {
		struct stack_frame *frame = &s->frames[i];
		uint32_t batch = s->count - i < BATCH ? s->count - i : BATCH, last;

		if (created && (last = new_nodes(node, frame, batch, !s->truncated))) {
			node = last;
			i += batch - 1;
			continue;
		}

		/* Known from an earlier backtrace, if the frames below were the same; a truncated one starts anew. */
		if (frame->node && !s->truncated) {
			node = frame->node;
			continue;
		}
		node = find_node(node, frame, &created);
		if (!node)
			return 0;
		if (!s->truncated)
			frame->node = node;
	}
	return node;
}

static uint32_t new_trace(const struct sighting *s)
{
	uint32_t node = s->count ? write_frames(s) : 0, number;
	struct ht_trace *chunk, *record;

	if (s->count && !node)
		return 0;
	number = next_number(&guest.process->next_trace, TRACES_CHUNK, 1, HT_MAX_TRACES);
	if (!number)
		return 0;
	chunk = chunk_for((void **)&trace_chunks[number / TRACES_CHUNK], HT_CHUNK_TRACES,
			  number / TRACES_CHUNK * TRACES_CHUNK);
	if (!chunk)
		return 0;
	record = &chunk[number % TRACES_CHUNK];
	record->node = node;
	record->entry = (uint8_t)s->entry;
	record->thread = s->thread;
	record->depth = (uint16_t)s->count;
	record->first_ns = clock_now();
	record->generation = load_relaxed(&guest.process->generation);
	return number;
}

COLD uint32_t trace_add(const struct sighting *s)
{
	/* Another thread may have been first while we came here. */
	uint64_t known = table_find(load_acquire(&trace_table), s->hash);
	uint32_t fresh = known ? 0 : new_trace(s);
	uint32_t number = known ? (uint32_t)known : (uint32_t)(fresh ? table_insert(&trace_table, s->hash, fresh, NULL) : 0);

	if (fresh && number == fresh)
		__atomic_store_n(&trace_record(fresh)->flags,
				 (uint8_t)(HT_TRACE_VALID | (s->truncated ? HT_TRACE_TRUNCATED : 0)), __ATOMIC_RELEASE);
	return number;
}
