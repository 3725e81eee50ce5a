// SPDX-License-Identifier: MIT

/*
 * An allocator that signal handlers may call at any moment: it only ever adds to a number. Preloaded where a test
 * interrupts malloc, because glibc's own would break, with or without a tracer.
 */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static char heap[1ul << 30] __attribute__((aligned(4096)));
static size_t used;

static void *take(size_t alignment, size_t size)
{
	size_t room = (size + alignment + 31) & ~15ul;
	size_t at = __atomic_fetch_add(&used, room, __ATOMIC_RELAXED);
	uintptr_t block;

	if (size > sizeof(heap) / 2 || at + room > sizeof(heap)) {
		errno = ENOMEM;
		return NULL;
	}
	block = ((uintptr_t)heap + at + 16 + alignment - 1) & -alignment;
	((size_t *)block)[-1] = size;
	return (void *)block;
}

void *malloc(size_t size) { return take(16, size); }
void free(void *block) { (void)block; }
void *memalign(size_t alignment, size_t size) { return take(alignment < 16 ? 16 : alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
void *valloc(size_t size) { return memalign(4096, size); }

int posix_memalign(void **block, size_t alignment, size_t size)
{
	*block = memalign(alignment, size);
	return *block ? 0 : ENOMEM;
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(count, size, &bytes) ? NULL : take(16, bytes);
}

void *realloc(void *block, size_t size)
{
	void *moved = take(16, size);

	if (moved && block)
		memcpy(moved, block, ((size_t *)block)[-1] < size ? ((size_t *)block)[-1] : size);
	return moved;
}

size_t malloc_usable_size(void *block) { return block ? ((size_t *)block)[-1] : 0; }
