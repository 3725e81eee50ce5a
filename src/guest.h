// SPDX-License-Identifier: MIT

/*
 * What all files of the guest share: the state of this process, and the small words of its dialect. Code here runs
 * inside a stranger's process: no malloc, no stdio, no locks that wait, errno untouched, and each failure is counted.
 */

#ifndef HEAPTRACE_GUEST_H
#define HEAPTRACE_GUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "raw.h"
#include "segment.h"

#define EXPORT __attribute__((visibility("default")))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define HIDDEN __attribute__((visibility("hidden")))
#define NOINLINE __attribute__((noinline))
#define COLD __attribute__((noinline, cold))
#define INLINE static inline __attribute__((always_inline))

/** Relaxed accesses: plain moves on x86-64 that the compiler may not tear, merge or drop. */
#define load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)

/** Where the guest is in its life. */
enum guest_status {
	GUEST_NEW,      /* nothing was called yet */
	GUEST_STARTING, /* one thread is inside guest_start() */
	GUEST_ACTIVE,   /* counting */
	GUEST_OFF,      /* not traced (no collector, no memory): hooks only forward */
};

/** State of the process. Private memory: a fork child has a copy, and makes it its own in process_forked(). */
struct guest {
	int status;                    /* [atomic] enum guest_status */
	uint32_t control;              /* [atomic] enum control; 0: all events go to the table and nowhere else */
	uint32_t epoch;                /* [atomic] grows when a module is unloaded: caches of rows and stacks are void */
	struct ht_header *header;      /* the segment's first page */
	struct ht_process *process;
	uint32_t number;               /* of the process in the segment */
	bool glibc;                    /* the next malloc is glibc's */
	bool standalone;
	bool tid_known;                /* the thread control block tells the pid of a fork child */
	bool caged;                    /* [atomic] seccomp: no system calls any more */
	bool no_clock;                 /* [atomic] reading the time stamp counter would be a SIGSEGV (seccomp's strict mode) */
	bool publishing;               /* [atomic] threads publish their shares: there are several, or --exact */
	uint8_t quantum_shift, block_shift;
	uint32_t depth;                /* frames kept outside the entry point */
	uintptr_t stack_end;           /* the main thread's outermost frame */
	size_t stack_limit;            /* bytes that the main thread's stack may have */
	uintptr_t self_start, self_end; /* this library's own addresses */
	uintptr_t main_start, main_end; /* the executable's, gaps between its segments included */
	uintptr_t main_tp;             /* thread pointer of the thread that started us */
	const char *const *arguments;  /* argv, from the initial stack */
	const char *const *environment;
	const unsigned long *auxv;
};

extern struct guest guest HIDDEN;

/**
 * A word that the kernel clears in a fork child (MADV_WIPEONFORK): whoever reads 0 here is a child that has not been
 * set up. Also part of the cookie that shows a thread's pointer in the TCB to be ours.
 */
struct wiped {
	uintptr_t secret;
};
extern struct wiped *wiped HIDDEN;

INLINE uintptr_t thread_pointer(void)
{
	uintptr_t tp;

	__asm__("mov %%fs:0x10, %0" : "=r"(tp));
	return tp;
}

/** Count something that was not seen; see struct ht_process. */
#define count_unseen(field) add_relaxed(&guest.process->field, 1)

/** Start the guest: find the real allocator and the segment. Any thread, any time; returns when hooks may forward. */
void guest_start(void);

/** Zeroed private memory from the kernel, never given back; NULL when there is none (or in a cage). @param size bytes */
void *memory_map(size_t size);

/** The same for a hash table, which will be filled all over: in huge pages, if it is large. */
void *memory_map_table(size_t size);

/** Give the pages of a table that is no longer in use back; they read as zeroes from then on. Nothing in a cage. */
void memory_drop(void *address, size_t size);

/** Give memory back that nobody else has seen. Nothing in a cage. */
void memory_unmap(void *address, size_t size);

/** Map ahead what memory_map() gives out once the process is in a seccomp cage. */
void memory_prepare_cage(void);


#endif
