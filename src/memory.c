// SPDX-License-Identifier: MIT

/*
 * The guest's own memory, from the kernel. Nothing is ever given back: tables grow by doubling, so what is left behind
 * is at most as much as what is in use, and a reader that still holds an old table can not fall.
 */

#include "guest.h"

#include <linux/mman.h>

#define BLOCK_SIZE (64u << 10)

/* The block that memory_small() cuts from: address and bytes used, packed so that one CAS serves: blocks are 64 KiB
 * aligned by taking the low 16 bits as the fill. */
static _Atomic uintptr_t small_block;

void *memory_map(size_t size)
{
	if (load_relaxed(&guest.caged))
		return NULL;
	return raw_mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static uintptr_t new_block(void)
{
	char *raw = memory_map(2 * BLOCK_SIZE);
	uintptr_t aligned = ((uintptr_t)raw + BLOCK_SIZE - 1) & ~(uintptr_t)(BLOCK_SIZE - 1);

	if (!raw)
		return 0;
	if (aligned != (uintptr_t)raw)
		raw_munmap(raw, aligned - (uintptr_t)raw);
	raw_munmap((void *)(aligned + BLOCK_SIZE), (uintptr_t)raw + BLOCK_SIZE - aligned);
	return aligned;
}

void *memory_small(size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if (size > BLOCK_SIZE / 4)
		return memory_map(size);
	for (;;) {
		uintptr_t now = atomic_load_explicit(&small_block, memory_order_acquire);

		/* The last byte stays unused: a full block must not look like the next block, empty. */
		if (now && (now & (BLOCK_SIZE - 1)) + size < BLOCK_SIZE) {
			if (atomic_compare_exchange_strong(&small_block, &now, now + size))
				return (void *)now;
			continue;
		}
		uintptr_t fresh = new_block();

		if (!fresh)
			return NULL;
		if (!atomic_compare_exchange_strong(&small_block, &now, fresh))
			raw_munmap((void *)fresh, BLOCK_SIZE);
	}
}
