// SPDX-License-Identifier: MIT

/*
 * An independent counter of allocations, for the tests alone: preloaded, it counts what heaptrace should count, by
 * other means, so that the totals can be compared. It keeps every live block in a hash of its own behind one spinlock
 * and its sums in a shared mapping of the file counts.PID.N beside the library, so that they outlive any death.
 *
 * An operator new that goes through malloc must count once: whoever returns a block that is already in the hash only
 * corrects its size to what was asked of him. A forked child begins at zero; blocks that it inherits are told by their generation.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/** The file. The first eight words are one line of od(1). */
struct counts {
	uint64_t start_ns, pid, allocations, frees, bytes, live_blocks, live_bytes, inherited_frees;
	uint64_t peak_blocks, peak_bytes;
};

struct block {
	uintptr_t address; /* 0 empty, 1 removed */
	uint64_t size : 48, generation : 16;
};

#define SLOTS (1u << 24)
#define EMPTY 0
#define REMOVED 1

static struct block *blocks;
static struct counts *counts, nowhere;
static unsigned char *same_process; /* wiped in a forked child */
static uint16_t generation;
static int lock;
static volatile bool resolving; /* volatile: libc's headers promise that dlsym never calls back */
static char arena[65536];
static size_t arena_used;

static uintptr_t slot_of(uintptr_t address)
{
	return (address >> 4) * 0x9e3779b97f4a7c15ull >> 40;
}

static void *arena_take(size_t size)
{
	size_t at = __atomic_fetch_add(&arena_used, (size + 31) & ~15ul, __ATOMIC_RELAXED);

	return at + size + 16 <= sizeof(arena) ? arena + 16 + at : NULL;
}

static bool in_arena(void *address)
{
	return (char *)address >= arena && (char *)address < arena + sizeof(arena);
}

/** A file of this process's own, beside the library. Without one (a cage, another root) counting goes on unseen. */
static void counts_open(void)
{
	char path[4096];
	Dl_info info;
	struct timespec now;
	char *slash;
	int fd = -1;

	counts = &nowhere;
	memset(&nowhere, 0, sizeof(nowhere));
	if (!dladdr((void *)counts_open, &info) || strlen(info.dli_fname) > sizeof(path) - 100)
		return;
	strcpy(path, info.dli_fname);
	slash = strrchr(path, '/');
	for (int n = 0; slash && fd < 0 && n < 1000; n++) {
		sprintf(slash, "/counts.%ld.%d", (long)syscall(SYS_getpid), n);
		fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0 && errno != EEXIST)
			return;
	}
	if (fd < 0)
		return;
	if (syscall(SYS_ftruncate, fd, 4096) == 0) {
		void *page = (void *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (page != MAP_FAILED)
			counts = page;
	}
	syscall(SYS_close, fd);
	clock_gettime(CLOCK_MONOTONIC, &now);
	counts->start_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	counts->pid = syscall(SYS_getpid);
}

static void *map(size_t size)
{
	void *memory = (void *)syscall(SYS_mmap, NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				       -1, 0);
	if (memory == MAP_FAILED)
		abort();
	return memory;
}

/** Take the lock; the first caller in a process prepares it. */
static void enter(void)
{
	if (same_process && !*same_process)
		__atomic_store_n(&lock, 0, __ATOMIC_RELAXED); /* whoever held it is in the parent */
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock, __ATOMIC_RELAXED))
			syscall(SYS_sched_yield);
	if (!blocks) {
		blocks = map(SLOTS * sizeof(*blocks));
		same_process = map(4096);
		madvise(same_process, 4096, MADV_WIPEONFORK);
	}
	if (!*same_process) {
		generation++;
		counts_open();
		*same_process = 1;
	}
}

static void leave(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

/** A program that allocates nothing has a file too. */
__attribute__((constructor)) static void start(void)
{
	enter();
	leave();
}

static struct block *find(void *address)
{
	uintptr_t slot = slot_of((uintptr_t)address);

	while (blocks[slot].address != EMPTY) {
		if (blocks[slot].address == (uintptr_t)address)
			return &blocks[slot];
		slot = (slot + 1) % SLOTS;
	}
	return NULL;
}

static void put(void *address, size_t size, uint16_t of)
{
	uintptr_t slot = slot_of((uintptr_t)address);

	while (blocks[slot].address > REMOVED)
		slot = (slot + 1) % SLOTS;
	blocks[slot].size = size;
	blocks[slot].generation = of;
	blocks[slot].address = (uintptr_t)address;
}

/** A block was handed out, unless an inner entry point has said so already. */
static void *add(void *address, size_t size)
{
	struct block *block;
	int saved = errno;

	if (!address || in_arena(address) || resolving)
		return address;
	enter();
	block = find(address);
	if (block) {
		counts->bytes += size - block->size;
		counts->live_bytes += size - block->size;
		block->size = size;
	} else {
		put(address, size, generation);
		counts->allocations++;
		counts->bytes += size;
		if (++counts->live_blocks > counts->peak_blocks)
			counts->peak_blocks = counts->live_blocks;
		counts->live_bytes += size;
		if (counts->live_bytes > counts->peak_bytes)
			counts->peak_bytes = counts->live_bytes;
	}
	leave();
	errno = saved;
	return address;
}

/** A block is given back. @return what was known of it; address 0 if nothing */
static struct block forget(void *address)
{
	struct block *block, was = {0};
	int saved = errno;

	if (!address || in_arena(address))
		return was;
	enter();
	block = find(address);
	if (block) {
		was = *block;
		block->address = REMOVED;
		/* Keep probes short: what is removed before an empty slot is empty too. */
		for (uintptr_t slot = block - blocks;
		     blocks[(slot + 1) % SLOTS].address == EMPTY && blocks[slot].address == REMOVED; slot = (slot - 1) % SLOTS)
			blocks[slot].address = EMPTY;
		if (was.generation == generation) {
			counts->frees++;
			counts->live_blocks--;
			counts->live_bytes -= was.size;
		} else {
			counts->inherited_frees++;
		}
	}
	leave();
	errno = saved;
	return was;
}

/** A realloc failed: the old block lives on. */
static void restore(struct block was)
{
	int saved = errno;

	if (!was.address)
		return;
	enter();
	put((void *)was.address, was.size, was.generation);
	if (was.generation == generation) {
		counts->frees--;
		counts->live_blocks++;
		counts->live_bytes += was.size;
	} else {
		counts->inherited_frees--;
	}
	leave();
	errno = saved;
}

static void *look_up(const char *name)
{
	int saved = errno;
	void *found;

	resolving = true;
	found = dlsym(RTLD_NEXT, name);
	resolving = false;
	errno = saved;
	return found;
}

/** The C library's next definitions: looked up together at the first call, because a later dlsym may free and allocate. */
static struct {
	const char *name;
	void *address;
} functions[] = {
	{"malloc", 0}, {"calloc", 0}, {"free", 0}, {"realloc", 0}, {"reallocarray", 0}, {"memalign", 0}, {"aligned_alloc", 0},
	{"posix_memalign", 0}, {"valloc", 0}, {"pvalloc", 0},
};

static void *next(const char *name)
{
	static bool resolved;

	if (!__atomic_load_n(&resolved, __ATOMIC_ACQUIRE)) {
		for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
			functions[i].address = look_up(functions[i].name);
		__atomic_store_n(&resolved, true, __ATOMIC_RELEASE);
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (!strcmp(functions[i].name, name))
			return functions[i].address;
	return look_up(name); /* an operator: not before it is called, for a look-up that fails leaves a block behind */
}

#define EXPORT __attribute__((visibility("default")))
/** Declare `real`, the next definition of a function. */
#define NEXT(type, name, parameters)                                                       \
	static void *real_##name;                                                          \
	if (!real_##name)                                                                  \
		real_##name = next(#name);                                                 \
	type(*real) parameters = (type(*) parameters)real_##name

EXPORT void *malloc(size_t size)
{
	if (resolving)
		return arena_take(size);
	NEXT(void *, malloc, (size_t));
	return add(real(size), size);
}

EXPORT void *calloc(size_t count, size_t size)
{
	if (resolving)
		return arena_take(count * size);
	NEXT(void *, calloc, (size_t, size_t));
	return add(real(count, size), count * size);
}

EXPORT void free(void *address)
{
	if (!address || in_arena(address) || resolving)
		return;
	NEXT(void, free, (void *));
	forget(address);
	real(address);
}

EXPORT void *realloc(void *address, size_t size)
{
	struct block was;
	void *moved;

	if (in_arena(address)) {
		moved = malloc(size);
		if (moved)
			memcpy(moved, address, size); /* reads on in the arena at worst */
		return moved;
	}
	NEXT(void *, realloc, (void *, size_t));
	was = forget(address);
	moved = real(address, size);
	if (moved)
		return add(moved, size);
	if (size)
		restore(was);
	return NULL;
}

EXPORT void *reallocarray(void *address, size_t count, size_t size)
{
	struct block was;
	void *moved;

	NEXT(void *, reallocarray, (void *, size_t, size_t));
	was = forget(address);
	moved = real(address, count, size);
	if (moved)
		return add(moved, count * size);
	if (count && size)
		restore(was);
	return NULL;
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	NEXT(void *, memalign, (size_t, size_t));
	return add(real(alignment, size), size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	NEXT(void *, aligned_alloc, (size_t, size_t));
	return add(real(alignment, size), size);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t size)
{
	int error;

	NEXT(int, posix_memalign, (void **, size_t, size_t));
	error = real(result, alignment, size);
	if (error == 0)
		add(*result, size);
	return error;
}

EXPORT void *valloc(size_t size)
{
	NEXT(void *, valloc, (size_t));
	return add(real(size), size);
}

EXPORT void *pvalloc(size_t size)
{
	NEXT(void *, pvalloc, (size_t));
	return add(real(size), size);
}

EXPORT void free_sized(void *address, size_t size)
{
	free(address);
	(void)size;
}

EXPORT void free_aligned_sized(void *address, size_t alignment, size_t size)
{
	free(address);
	(void)alignment, (void)size;
}

/* operator new: m size_t; A std::align_val_t; S nothrow. Without libstdc++ in reach they are malloc. */
#define NEW(name, parameters, arguments)                                                   \
	EXPORT void *name parameters;                                                      \
	void *name parameters                                                              \
	{                                                                                  \
		NEXT(void *, name, parameters);                                          \
		return real ? add(real arguments, size) : malloc(size);                    \
	}
#define DELETE(name, parameters, arguments)                                                \
	EXPORT void name parameters;                                                       \
	void name parameters                                                               \
	{                                                                                  \
		NEXT(void, name, parameters);                                           \
		if (!real) {                                                               \
			free(address);                                                     \
			return;                                                            \
		}                                                                          \
		forget(address);                                                           \
		real arguments;                                                            \
	}
#define SIZE (size_t size)
#define SIZE_N (size_t size, void *nothrow)
#define SIZE_A (size_t size, size_t alignment)
#define SIZE_A_N (size_t size, size_t alignment, void *nothrow)
NEW(_Znwm, SIZE, (size))
NEW(_Znam, SIZE, (size))
NEW(_ZnwmRKSt9nothrow_t, SIZE_N, (size, nothrow))
NEW(_ZnamRKSt9nothrow_t, SIZE_N, (size, nothrow))
NEW(_ZnwmSt11align_val_t, SIZE_A, (size, alignment))
NEW(_ZnamSt11align_val_t, SIZE_A, (size, alignment))
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, SIZE_A_N, (size, alignment, nothrow))
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, SIZE_A_N, (size, alignment, nothrow))

#define BLOCK (void *address)
#define BLOCK_S (void *address, size_t size)
#define BLOCK_A (void *address, size_t alignment)
#define BLOCK_S_A (void *address, size_t size, size_t alignment)
#define BLOCK_N (void *address, void *nothrow)
#define BLOCK_A_N (void *address, size_t alignment, void *nothrow)
DELETE(_ZdlPv, BLOCK, (address))
DELETE(_ZdaPv, BLOCK, (address))
DELETE(_ZdlPvm, BLOCK_S, (address, size))
DELETE(_ZdaPvm, BLOCK_S, (address, size))
DELETE(_ZdlPvSt11align_val_t, BLOCK_A, (address, alignment))
DELETE(_ZdaPvSt11align_val_t, BLOCK_A, (address, alignment))
DELETE(_ZdlPvmSt11align_val_t, BLOCK_S_A, (address, size, alignment))
DELETE(_ZdaPvmSt11align_val_t, BLOCK_S_A, (address, size, alignment))
DELETE(_ZdlPvRKSt9nothrow_t, BLOCK_N, (address, nothrow))
DELETE(_ZdaPvRKSt9nothrow_t, BLOCK_N, (address, nothrow))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, BLOCK_A_N, (address, alignment, nothrow))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, BLOCK_A_N, (address, alignment, nothrow))
