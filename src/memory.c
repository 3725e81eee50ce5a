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

void *memory_map(size_t size)
{
	if (load_relaxed(&guest.caged))
		return from_pool(size);
	return raw_mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}
