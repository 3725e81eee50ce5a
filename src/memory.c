// SPDX-License-Identifier: MIT

/*
 * The guest's own memory, from the kernel. Nothing is ever given back: tables grow by doubling, so what is left behind
 * is at most as much as what is in use, and a reader that still holds an old table can not fall.
 */

#include "guest.h"

#include <sys/mman.h>

/* What a process in a seccomp cage lives on: mapped before it went in, untouched pages cost nothing. */
static char *pool;
static size_t pool_size;
static size_t pool_used; /* [atomic] */

void memory_prepare_cage(void)
{
	if (pool)
		return;
	for (pool_size = 64u << 20; pool_size >= 1u << 20; pool_size /= 4)
		if ((pool = memory_map(pool_size)))
			return;
	pool_size = 0;
}

static void *from_pool(size_t size)
{
	size_t rounded = (size + 4095) & ~(size_t)4095;
	size_t at = add_relaxed(&pool_used, rounded);

	return at + rounded <= pool_size ? pool + at : NULL;
}

void memory_drop(void *address, size_t size)
{
	if (!load_relaxed(&guest.caged))
		raw_madvise(address, size, MADV_DONTNEED);
}

void memory_unmap(void *address, size_t size)
{
	if (!load_relaxed(&guest.caged))
		raw_munmap(address, size);
}

#define HUGE ((size_t)2 << 20)

/* Aligned, so that it can lie in huge pages: a random place in many small ones costs a TLB miss beside the cache's. */
void *memory_map_table(size_t size)
{
	if (size < HUGE || load_relaxed(&guest.caged))
		return memory_map(size);
	size_t whole = ((size + 4095) & ~(size_t)4095) + HUGE;
	char *start = memory_map(whole);

	if (!start)
		return memory_map(size);
	char *end = start + whole, *aligned = (char *)(((uintptr_t)start + HUGE - 1) & ~(HUGE - 1));

	/* What sticks out goes back; the table begins where a huge page does. */
	if (aligned > start)
		raw_munmap(start, (size_t)(aligned - start));
	start = aligned;
	aligned += (size + 4095) & ~(size_t)4095;
	if (end > aligned)
		raw_munmap(aligned, (size_t)(end - aligned));
	raw_madvise(start, size & ~(HUGE - 1), MADV_HUGEPAGE);
	return start;
}

void *memory_map(size_t size)
{
	if (load_relaxed(&guest.caged))
		return from_pool(size);
	return raw_mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}
