// SPDX-License-Identifier: MIT

/*
 * An insert-only hash table of 64-bit keys and values, without locks; grows while others read and insert.
 */

#ifndef HEAPTRACE_TABLE_H
#define HEAPTRACE_TABLE_H

#include "guest.h"

struct table_slot {
	uint64_t key; /* 0: empty */
	uint64_t value;
} __attribute__((aligned(16)));

struct table {
	uint64_t mask;
	uint64_t count;    /* [atomic] */
	uintptr_t growing; /* [atomic] thread pointer of the thread that copies it into a larger one */
	uint64_t spare;    /* slots begin at a multiple of 16 */
	struct table_slot slots[];
};

/** An empty table. Keys should differ in the bits from 3 on. @param slots a power of two, at least 512 */
struct table *table_new(uint64_t slots);

/** Forget everything (fork child; nobody else may be using it). */
void table_clear(struct table *table);

/** Give back the pages of a table that has been replaced; a straggler finds nothing there. */
void table_retire(struct table *table);

/** Whether an entry is still worth copying when the table grows. */
typedef bool table_keep(uint64_t key);

/**
 * Insert. If the key is there already, or another thread is faster, its value stays.
 *
 * @param table  the place of the current table: a growing one is replaced there
 * @param keep   NULL: all entries are
 * @return the value that the table holds for the key now; 0 if it is full and can not grow
 */
uint64_t table_insert(struct table **table, uint64_t key, uint64_t value, table_keep *keep);

/** Searches end at an empty place: at 15/16 nothing is inserted any more. */
static inline bool table_is_full(uint64_t count, uint64_t mask)
{
	return count > mask - mask / 16;
}

/**
 * Whether this thread is to grow a table: from half full on one thread does; should that one be kept from it, by an
 * interrupt or by other threads, everybody tries from three quarters on, and the first to end wins.
 */
bool table_should_grow(uint64_t count, uint64_t mask, uintptr_t *growing);

INLINE uint64_t table_place(const struct table *table, uint64_t key)
{
	return key >> 3 & table->mask;
}

/** The key's value, 0 if it is not there. */
INLINE uint64_t table_find(const struct table *table, uint64_t key)
{
	for (uint64_t place = table_place(table, key);; place = (place + 1) & table->mask) {
		uint64_t now = load_acquire(&table->slots[place].key);

		if (likely(now == key))
			return table->slots[place].value;
		if (!now)
			return 0;
	}
}

#endif
