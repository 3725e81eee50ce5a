// SPDX-License-Identifier: MIT

#include "real.h"
#include "cfi.h"
#include "lookup.h"
#include "guest.h"

struct real real;

#define WANT(field) {#field, (void **)&real.field, NULL}

static const struct lookup_symbol functions[] = {
	WANT(malloc), WANT(free), WANT(calloc), WANT(realloc), WANT(memalign), WANT(posix_memalign),
	WANT(aligned_alloc), WANT(valloc), WANT(pvalloc), WANT(free_sized), WANT(free_aligned_sized),
	WANT(malloc_usable_size), WANT(mallinfo2), WANT(fork), WANT(dlclose), WANT(sigaction), WANT(signal),
	WANT(sysv_signal), WANT(_exit), WANT(quick_exit), WANT(syscall), WANT(waitpid), WANT(wait4), WANT(waitid), WANT(execve), WANT(execv),
	WANT(execvp), WANT(execvpe), WANT(fexecve), WANT(execveat), WANT(posix_spawn), WANT(posix_spawnp),
};

#define NEW(i, name) {name, &real.news[i], &real.new_sizes[i]}
#define DELETE(i, name) {name, &real.deletes[i], NULL}

static const struct lookup_symbol operators[] = {
	NEW(0, "_Znwm"), NEW(1, "_Znam"), NEW(2, "_ZnwmRKSt9nothrow_t"), NEW(3, "_ZnamRKSt9nothrow_t"),
	NEW(4, "_ZnwmSt11align_val_t"), NEW(5, "_ZnamSt11align_val_t"),
	NEW(6, "_ZnwmSt11align_val_tRKSt9nothrow_t"), NEW(7, "_ZnamSt11align_val_tRKSt9nothrow_t"),
	DELETE(DELETE_PLAIN, "_ZdlPv"), DELETE(DELETE_ARRAY, "_ZdaPv"),
	DELETE(DELETE_SIZED, "_ZdlPvm"), DELETE(DELETE_ARRAY_SIZED, "_ZdaPvm"),
	DELETE(DELETE_NOTHROW, "_ZdlPvRKSt9nothrow_t"), DELETE(DELETE_ARRAY_NOTHROW, "_ZdaPvRKSt9nothrow_t"),
	DELETE(DELETE_ALIGNED, "_ZdlPvSt11align_val_t"), DELETE(DELETE_ARRAY_ALIGNED, "_ZdaPvSt11align_val_t"),
	DELETE(DELETE_ALIGNED_SIZED, "_ZdlPvmSt11align_val_t"),
	DELETE(DELETE_ARRAY_ALIGNED_SIZED, "_ZdaPvmSt11align_val_t"),
	DELETE(DELETE_ALIGNED_NOTHROW, "_ZdlPvSt11align_val_tRKSt9nothrow_t"),
	DELETE(DELETE_ARRAY_ALIGNED_NOTHROW, "_ZdaPvSt11align_val_tRKSt9nothrow_t"),
	{"_ZSt17__throw_bad_allocv", (void **)&real.throw_bad_alloc, NULL},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/*
 * glibc's malloc and __libc_malloc are one function, and lie in the same object as the rest of it: tcmalloc and mimalloc
 * have a __libc_malloc too. Only of glibc's chunks the heads may be read (live.c, session_regions.c).
 */
static bool malloc_is_glibc(void)
{
	void *libc_malloc = NULL, *version = NULL;
	struct object libc, allocator;
	const struct lookup_symbol wanted[] = {
		{"__libc_malloc", &libc_malloc, NULL},
		{"gnu_get_libc_version", &version, NULL},
	};

	lookup_find(LOOKUP_NEXT, wanted, COUNT(wanted));
	return version && libc_malloc && libc_malloc == (void *)real.malloc &&
	       object_find((uintptr_t)version, &libc) && object_find((uintptr_t)libc_malloc, &allocator) &&
	       libc.start == allocator.start;
}

void real_find(void)
{
	const struct lookup_symbol clock = {"__vdso_clock_gettime", (void **)&real.clock_gettime, NULL};
	const struct lookup_symbol finder = {"_dl_find_object", &real.dl_find_object, NULL};

	lookup_find(LOOKUP_NEXT, functions, COUNT(functions));
	lookup_find(LOOKUP_NEXT, operators, COUNT(operators));
	lookup_find(LOOKUP_VDSO, &clock, 1);
	lookup_find(LOOKUP_ALL, &finder, 1);
	guest.glibc = malloc_is_glibc();
}

void real_find_operators(void)
{
	lookup_find(LOOKUP_NEXT, operators, COUNT(operators));
}
