// SPDX-License-Identifier: MIT

/*
 *  - Insertion is one 16-byte compare-and-swap of {key, value} into an empty slot: who sees the key sees the value.
 *  - Growth: a thread copies into a table twice the size and publishes it; the others go on with the old one. What
 *    they insert meanwhile may be missed by the copy and will be inserted again, perhaps with another value. Nobody
 *    waits for the copying thread, which may not run for long: see table_should_grow().
 *  - The old table's pages are given back; a straggler finds zeroes there, that is, nothing, and inserts into the new
 *    one. Its first page stays: it holds the head.
 */

#include "table.h"

#define PAGE 4096u

struct table *table_new(uint64_t slots)
{
	struct table *table = memory_map_table(sizeof(*table) + slots * sizeof(struct table_slot));

	if (table)
		table->mask = slots - 1;
	return table;
}

void table_clear(struct table *table)
{
	uint64_t mask = table->mask;

	memory_drop(table, sizeof(*table) + (mask + 1) * sizeof(struct table_slot));
	table->mask = mask;
}

void table_retire(struct table *table)
{
	memory_drop((char *)table + PAGE, (table->mask + 1) * sizeof(struct table_slot) + sizeof(*table) - PAGE);
}

bool table_should_grow(uint64_t count, uint64_t mask, uintptr_t *growing)
{
	uintptr_t none = 0;

	if (likely(count * 2 <= mask))
		return false;
	return count > mask - mask / 4 ||
	       __atomic_compare_exchange_n(growing, &none, thread_pointer(), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void grow(struct table **place, struct table *old, table_keep *keep)
{
	struct table *fresh = load_acquire(place) == old ? table_new((old->mask + 1) * 2) : NULL, *now = old;

	if (!fresh)
		return;
	for (uint64_t i = 0; i <= old->mask; i++) {
		uint64_t key = load_acquire(&old->slots[i].key), to = table_place(fresh, key);

		if (!key || (keep && !keep(key)))
			continue;
		while (fresh->slots[to].key)
			to = (to + 1) & fresh->mask;
		fresh->slots[to] = (struct table_slot){key, old->slots[i].value};
		fresh->count++;
	}
	if (!__atomic_compare_exchange_n(place, &now, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
		memory_unmap(fresh, sizeof(*fresh) + (fresh->mask + 1) * sizeof(struct table_slot));
		return;
	}
	table_retire(old);
}

/* {0, 0} becomes {key, value}. */
static bool claim(struct table_slot *slot, uint64_t key, uint64_t value)
{
	unsigned __int128 none = 0;
	bool done;

	__asm__ volatile("lock cmpxchg16b %1\n\tsetz %0"
			 : "=q"(done), "+m"(*slot), "+A"(none)
			 : "b"(key), "c"(value)
			 : "memory", "cc");
	return done;
}

uint64_t table_insert(struct table **place, uint64_t key, uint64_t value, table_keep *keep)
{
	struct table *table = load_acquire(place);

	if (unlikely(table_should_grow(load_relaxed(&table->count), table->mask, &table->growing))) {
		grow(place, table, keep);
		table = load_acquire(place);
	}
	for (uint64_t at = table_place(table, key);; at = (at + 1) & table->mask) {
		uint64_t now = load_acquire(&table->slots[at].key);

		if (!now) {
			if (table_is_full(load_relaxed(&table->count), table->mask))
				return 0;
			if (claim(&table->slots[at], key, value))
				break;
			now = load_acquire(&table->slots[at].key);
		}
		if (now == key)
			return table->slots[at].value;
	}
	add_relaxed(&table->count, 1);
	return value;
}
