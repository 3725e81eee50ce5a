// SPDX-License-Identifier: MIT

/*
 * A shadow of the address space: one slot for each 32 bytes, in leaves of 1 MiB of addresses that are mapped when the
 * first block lies there. glibc's chunks begin at least 32 bytes apart, so a slot has one block, and the chunk's own
 * head tells its size: a slot is 4 bytes, the trace and how many bytes were not asked for. Other allocators pack
 * blocks closer and keep no head: there a slot is 8 bytes with the size in it and which of the four places it is for.
 *
 * What does not fit (a second block in the same 32 bytes, a size too large, or too much slack) goes into a hash table
 * of odd blocks. Its keys are never removed, only emptied, so it needs no lock: the same address comes back sooner or
 * later. It grows by another table twice as large in front; old keys stay where they are.
 */

#include "live.h"

#define ADDRESS_BITS 47
#define LEAF_BITS 20 /* 1 MiB of addresses */
#define MIDDLE_BITS 14
#define GRAIN_BITS 5 /* 32 bytes */
#define LEAF_SLOTS (1u << (LEAF_BITS - GRAIN_BITS))

/* 4-byte slot: trace 24, place 1, slack + 1 7. 8-byte slot: trace 24, place 2, size 38. */
#define MAX_SLACK 126u
#define PLACE_BIT(address) ((uint32_t)(address) << 3 & 0x80)
#define WIDE_SIZE_BITS 38

static void **root[1u << (ADDRESS_BITS - LEAF_BITS - MIDDLE_BITS)]; /* [atomic] each */

struct odd_slot {
	uint64_t key;   /* address / 8 << 20 | size >> 32; the address part never changes once set */
	uint64_t value; /* trace << 32 | low half of the size; 0: no live block here now */
};

struct odd_table {
	struct odd_table *older; /* [immutable] */
	uint64_t mask;
	uint64_t count; /* [atomic] */
	struct odd_slot slots[];
};

static struct odd_table *odd; /* [atomic] newest */

static void *make(void **place, size_t size)
{
	void *now = load_acquire(place), *fresh;

	if (likely(now))
		return now;
	fresh = memory_map(size);
	if (!fresh)
		return NULL;
	if (!__atomic_compare_exchange_n(place, &now, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		memory_unmap(fresh, size);
		return now;
	}
	return fresh;
}

INLINE void *find_leaf(uintptr_t address)
{
	void **middle;

	if (unlikely(address >> ADDRESS_BITS))
		return NULL;
	middle = load_acquire(&root[address >> (LEAF_BITS + MIDDLE_BITS)]);
	return middle ? load_acquire(&middle[address >> LEAF_BITS & ((1u << MIDDLE_BITS) - 1)]) : NULL;
}

static COLD void *make_leaf(uintptr_t address)
{
	size_t slot = guest.glibc ? sizeof(uint32_t) : sizeof(uint64_t);
	void **middle;

	if (address >> ADDRESS_BITS)
		return NULL;
	middle = make((void **)&root[address >> (LEAF_BITS + MIDDLE_BITS)], sizeof(void *) << MIDDLE_BITS);
	return middle ? make(&middle[address >> LEAF_BITS & ((1u << MIDDLE_BITS) - 1)], LEAF_SLOTS * slot) : NULL;
}

static uint64_t odd_key(uintptr_t address)
{
	return (uint64_t)address >> 3 << 20;
}

static uint64_t odd_hash(uintptr_t address)
{
	return (uint64_t)address * 0x9e3779b97f4a7c15ull >> 24;
}

static struct odd_slot *odd_in(struct odd_table *t, uintptr_t address)
{
	uint64_t key = odd_key(address);

	for (uint64_t place = odd_hash(address) & t->mask;; place = (place + 1) & t->mask) {
		uint64_t now = load_acquire(&t->slots[place].key);

		if (now >> 20 == key >> 20)
			return &t->slots[place];
		if (!now)
			return NULL;
	}
}

static struct odd_slot *odd_find(uintptr_t address)
{
	for (struct odd_table *t = load_acquire(&odd); t; t = t->older) {
		struct odd_slot *slot = odd_in(t, address);

		if (slot)
			return slot;
	}
	return NULL;
}

static struct odd_table *odd_grow(struct odd_table *old)
{
	uint64_t slots = old ? (old->mask + 1) * 2 : 1024;
	size_t size = sizeof(struct odd_table) + slots * sizeof(struct odd_slot);
	struct odd_table *fresh = memory_map(size), *now = old;

	if (!fresh)
		return NULL;
	fresh->mask = slots - 1;
	fresh->older = old;
	if (__atomic_compare_exchange_n(&odd, &now, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return fresh;
	memory_unmap(fresh, size);
	return now;
}

static struct odd_slot *odd_add(uintptr_t address)
{
	struct odd_table *t = load_acquire(&odd);
	uint64_t key = odd_key(address);

	if (!t || load_relaxed(&t->count) * 2 > t->mask) {
		struct odd_table *grown = odd_grow(t);

		if (!grown && (!t || load_relaxed(&t->count) > t->mask - t->mask / 16))
			return NULL;
		t = grown ? grown : t;
	}
	for (uint64_t place = odd_hash(address) & t->mask;; place = (place + 1) & t->mask) {
		uint64_t now = load_acquire(&t->slots[place].key);

		if (!now && __atomic_compare_exchange_n(&t->slots[place].key, &now, key, false, __ATOMIC_ACQ_REL,
							__ATOMIC_ACQUIRE)) {
			add_relaxed(&t->count, 1);
			return &t->slots[place];
		}
		if (now >> 20 == key >> 20)
			return &t->slots[place];
	}
}

static COLD bool odd_put(uintptr_t address, uint32_t trace, uint64_t size)
{
	struct odd_slot *slot = odd_find(address);

	if (!slot)
		slot = odd_add(address);
	if (!slot)
		return false;
	store_relaxed(&slot->key, odd_key(address) | (size >> 32 & 0xfffff));
	store_release(&slot->value, (uint64_t)trace << 32 | (size & 0xffffffff));
	return true;
}

static COLD struct live_block odd_take(uintptr_t address)
{
	struct odd_slot *slot = odd_find(address);
	struct live_block block = {0};
	uint64_t value = slot ? load_acquire(&slot->value) : 0;

	if (!value)
		return block;
	block.trace = (uint32_t)(value >> 32);
	block.size = (load_relaxed(&slot->key) & 0xfffff) << 32 | (value & 0xffffffff);
	store_release(&slot->value, 0);
	return block;
}

/* Bytes that glibc's chunk can hold: its size stands in front of the block, three flags in the low bits. */
INLINE uint64_t glibc_usable(uintptr_t address)
{
	uint64_t head = *(const uint64_t *)(address - 8);

	return (head & ~7ull) - (head & 2 ? 16 : 8);
}

static bool narrow_put(uintptr_t address, uint32_t trace, uint64_t size)
{
	uint32_t *leaf = find_leaf(address);
	uint64_t slack = glibc_usable(address) - size;

	if (unlikely(slack > MAX_SLACK || (address & 15)))
		return odd_put(address, trace, size);
	if (unlikely(!leaf) && !(leaf = make_leaf(address)))
		return odd_put(address, trace, size);
	store_relaxed(&leaf[address >> GRAIN_BITS & (LEAF_SLOTS - 1)], trace << 8 | PLACE_BIT(address) | (uint32_t)(slack + 1));
	return true;
}

INLINE struct live_block narrow_take(uintptr_t address)
{
	uint32_t *leaf = find_leaf(address), *slot, value;

	if (unlikely(!leaf))
		return odd_take(address);
	slot = &leaf[address >> GRAIN_BITS & (LEAF_SLOTS - 1)];
	value = load_relaxed(slot);
	if (unlikely(!value || (address & 15) || (value & 0x80) != PLACE_BIT(address)))
		return odd_take(address);
	store_relaxed(slot, 0);
	return (struct live_block){value >> 8, glibc_usable(address) - ((value & 0x7f) - 1)};
}

static bool wide_put(uintptr_t address, uint32_t trace, uint64_t size)
{
	uint64_t *leaf = find_leaf(address), *slot, now = 0;
	uint64_t value = (uint64_t)trace << 40 | (address >> 3 & 3) << WIDE_SIZE_BITS | size;

	if (unlikely(size >> WIDE_SIZE_BITS))
		return odd_put(address, trace, size);
	if (unlikely(!leaf) && !(leaf = make_leaf(address)))
		return odd_put(address, trace, size);
	slot = &leaf[address >> GRAIN_BITS & (LEAF_SLOTS - 1)];
	/* Two blocks may share the 32 bytes: whoever comes second is odd. */
	while (!now || (now >> WIDE_SIZE_BITS & 3) == (address >> 3 & 3))
		if (__atomic_compare_exchange_n(slot, &now, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
	return odd_put(address, trace, size);
}

static struct live_block wide_take(uintptr_t address)
{
	uint64_t *leaf = find_leaf(address), value;

	if (unlikely(!leaf))
		return odd_take(address);
	value = load_relaxed(&leaf[address >> GRAIN_BITS & (LEAF_SLOTS - 1)]);
	if (unlikely(!value || (value >> WIDE_SIZE_BITS & 3) != (address >> 3 & 3)))
		return odd_take(address);
	store_relaxed(&leaf[address >> GRAIN_BITS & (LEAF_SLOTS - 1)], 0);
	return (struct live_block){(uint32_t)(value >> 40), value & ((1ull << WIDE_SIZE_BITS) - 1)};
}

bool live_put(const void *block, uint32_t trace, uint64_t size)
{
	return likely(guest.glibc) ? narrow_put((uintptr_t)block, trace, size) : wide_put((uintptr_t)block, trace, size);
}

bool live_has(const void *block)
{
	struct live_block known = live_take(block);

	return known.trace && live_put(block, known.trace, known.size);
}

struct live_block live_take(const void *block)
{
	return likely(guest.glibc) ? narrow_take((uintptr_t)block) : wide_take((uintptr_t)block);
}
