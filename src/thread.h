// SPDX-License-Identifier: MIT

/*
 * Per-thread state, found through two words in the unused tail of glibc's thread control block: a TLS segment of our
 * own would add 16 bytes to an allocation that each thread's start makes, and the program's totals would change.
 *
 * A state belongs to a thread pointer, not to a thread: the next thread that gets the same control block goes on with
 * the state, counters and all. So short threads cost nothing, however many come and go.
 */

#ifndef HEAPTRACE_THREAD_H
#define HEAPTRACE_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"
#include "segment.h"

/** Where a C++ operator new was called while the real one runs: the malloc inside it is its block. */
struct pending {
	uintptr_t sp;                  /* of our hook; 0: none */
	uintptr_t code, code_size;     /* the real operator: a malloc that returns into it is its own */
	uintptr_t pc, caller_sp, rbp;  /* the caller of the operator */
	size_t size, inner_size;
	enum ht_entry entry;
	bool used;
};

/** A frame that was unwound: where its return address lies, and what was there. */
struct stack_frame {
	uintptr_t slot;     /* address of the return address */
	uintptr_t pc;       /* return address; with FRAME_EXACT an interrupted address */
	uintptr_t rbp;      /* value of rbp in this frame */
	uintptr_t rbp_slot; /* where that value was loaded from, 0: as in the next younger frame */
	uint64_t row;       /* see cfi.h: its module and its use of rbp matter later */
	uint64_t hash;      /* rolling hash of this frame and all older ones */
	uint32_t node;      /* number of the frame's node in the tree, 0 unknown */
	uint32_t checks;    /* number of checks that this frame and all older ones need */
	bool needs_rbp;     /* this frame's or an older one's place depends on rbp here */
	bool exact;         /* pc is an interrupted address, not a return address */
};

/** A word of the stack, and what must still be there for the cached frames to be right. */
struct stack_check {
	uintptr_t address, value;
};

/** Why frames[0] is the oldest one. */
enum stack_bottom {
	BOTTOM_UNKNOWN, /* older frames were cut off */
	BOTTOM_REAL,    /* it is the outermost frame */
	BOTTOM_LOST,    /* no unwind information beyond it */
};

#define STACK_CACHE 1024u

struct thread {
	uintptr_t tp;         /* thread pointer that this state is for */
	uintptr_t guard;      /* stack pointer of the hook that is at work, 0: none */
	uint32_t slot;        /* number in the process */
	uint32_t epoch;       /* of the cached stack */
	uint32_t tick;        /* last seen */
	uint32_t events;      /* stand-alone: the clock is read now and then */
	bool shared;          /* used by several threads at once: counters by atomic operations, no caches */
	uintptr_t stack_low, stack_high; /* of the thread's own stack */
	uintptr_t last_block; /* --churn: that it allocated last, if that was not freed yet */
	bool moving;          /* --churn: the block that comes next is realloc's, */
	uint64_t moved;       /* which has copied so many bytes */
	uintptr_t deleting;   /* block that a C++ operator delete has already counted */
	struct pending pending;
	int64_t live_bytes, live_blocks; /* this thread's share */
	struct ht_cells *chunk;  /* CELLS chunk that blocks are cut from */
	uint32_t blocks_used;
	uint32_t label;       /* --by-thread: part of the key of its backtraces, 0 else; see labels.c */
	uint32_t tid, label_tick;
	uint32_t flat;        /* backtraces in a row that had little in common with the one before; see unwind.c */
	/* The last backtrace, outermost frame first; see unwind.c. */
	uint32_t frame_count;
	enum stack_bottom bottom;
	struct stack_frame *frames; /* STACK_CACHE of them; frames[-1] is a sentinel above every stack */
	struct stack_frame *fresh;  /* scratch: frames just unwound, innermost first; STACK_CACHE */
	struct stack_check *checks; /* 2 * STACK_CACHE */
	struct ht_cell **cells[HT_MAX_TRACES / (HT_BLOCK_CELLS * 1024)]; /* by trace >> 15, then (trace >> 5) & 1023: block */
};

/** Offset from the thread pointer of the two words: in glibc's TCB behind its last member in use (0x80). */
#define THREAD_WORD 0x80

INLINE uintptr_t tcb_word(unsigned i)
{
	uintptr_t value;

	if (i == 0)
		__asm__ volatile("mov %%fs:0x80, %0" : "=r"(value));
	else
		__asm__ volatile("mov %%fs:0x88, %0" : "=r"(value));
	return value;
}

/** Find or make the state of the calling thread: first event of a thread, or of a fork child. NULL: not traced. */
struct thread *thread_slow(void);

/** The calling thread's state, NULL when not traced. */
INLINE struct thread *thread_get(void)
{
	uintptr_t word = tcb_word(0);

	if (likely(word && (word ^ tcb_word(1)) == load_relaxed(&wiped->secret)))
		return (struct thread *)word;
	return thread_slow();
}

/**
 * Begin work on the thread's state. A signal handler may interrupt that work and come here again: it gets the shared
 * state. A guard that was left behind by siglongjmp() or by a cancelled thread lies below us on the stack: stale.
 *
 * @param sp  an address in the caller's frame
 */
INLINE struct thread *thread_enter(struct thread *thread, uintptr_t sp);

struct thread *thread_nested(struct thread *thread, uintptr_t sp);

INLINE struct thread *thread_enter(struct thread *thread, uintptr_t sp)
{
	if (unlikely(thread->guard))
		return thread_nested(thread, sp);
	thread->guard = sp;
	__asm__ volatile("" ::: "memory");
	return thread;
}

INLINE void thread_leave(struct thread *thread)
{
	__asm__ volatile("" ::: "memory");
	if (likely(!thread->shared))
		thread->guard = 0;
}

/** The process's states: reset for a fork child, which has one thread. */
void thread_forked(void);

/** Set up the wiped page and the shared state. False: no memory. */
bool thread_start(void);

/** Whether an address is on the thread's own stack. */
INLINE bool thread_owns(const struct thread *thread, uintptr_t sp)
{
	return sp - thread->stack_low < thread->stack_high - thread->stack_low;
}

/** Highest address that may be read while unwinding from `sp`. @param own set if sp is on the thread's own stack */
INLINE uintptr_t thread_stack_high(const struct thread *thread, uintptr_t sp, bool *own)
{
	*own = thread_owns(thread, sp);
	if (likely(*own))
		return thread->stack_high;
	/* A coroutine's or a signal's own stack: its bounds are not known, so look no further than frames are large. */
	return sp + (1u << 20) > sp ? sp + (1u << 20) : UINTPTR_MAX;
}

#endif
