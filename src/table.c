// SPDX-License-Identifier: MIT

/*
 *  - Insertion is one 16-byte compare-and-swap of {key, value} into an empty slot: who sees the key sees the value.
 *  - Growth: one thread copies into a table twice the size and publishes it; the others go on with the old one.
 *    What they insert meanwhile may be missed by the copy and will be inserted again, perhaps with another value.
 *  - The old table's pages are given back; a straggler finds zeroes there, that is, nothing, and inserts into the new
 *    one. Its first page stays: it holds the head.
 */

#include "table.h"

#define PAGE 4096u

struct table *table_new(uint64_t slots)
{
	struct table *table = memory_map(sizeof(*table) + slots * sizeof(struct table_slot));

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

bool table_may_grow(uintptr_t *growing)
{
	uintptr_t none = 0, self = thread_pointer();

	/* A growth that this thread's own interrupted work began and never ends is begun again. */
	return load_relaxed(growing) == self ||
	       __atomic_compare_exchange_n(growing, &none, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void grow(struct table **place, struct table *old, table_keep *keep)
{
	struct table *fresh;

	if (!table_may_grow(&old->growing))
		return;
	fresh = load_acquire(place) == old ? table_new((old->mask + 1) * 2) : NULL;
	if (!fresh) {
		store_release(&old->growing, 0);
		return;
	}
	for (uint64_t i = 0; i <= old->mask; i++) {
		uint64_t key = load_acquire(&old->slots[i].key), to = table_place(fresh, key);

		if (!key || (keep && !keep(key)))
			continue;
		while (fresh->slots[to].key)
			to = (to + 1) & fresh->mask;
		fresh->slots[to] = (struct table_slot){key, old->slots[i].value};
		fresh->count++;
	}
	store_release(place, fresh);
	memory_drop((char *)old + PAGE, (old->mask + 1) * sizeof(struct table_slot) + sizeof(*old) - PAGE);
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
	if ((add_relaxed(&table->count, 1) + 1) * 2 > table->mask)
		grow(place, table, keep);
	return value;
}
