// SPDX-License-Identifier: MIT

/*
 * The allocator's entry points as the program sees them. Each calls the real one and counts; nothing else happens here.
 *
 *	malloc: enter the thread's state, real malloc, backtrace, counters, live table, leave
 *	free:   enter, live table, counters, real free, leave: an address is forgotten before it can be given out again
 *
 * The state is entered around the real allocator too: a signal handler that interrupts it and allocates gets the shared
 * state, and an exit() in such a handler is recognised (process.c).
 */

#include "churn.h"
#include "control.h"
#include "count.h"
#include "interpose.h"
#include "labels.h"
#include "live.h"
#include "process.h"
#include "real.h"
#include "session.h"
#include "traces.h"
#include "unwind.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

/* @return the trace that the block was entered for, 0 if that could not be */
INLINE uint32_t enter(struct thread *thread, const struct caller *caller, enum ht_entry entry, void *block, uint64_t size)
{
	uint32_t trace = unwind_trace(thread, caller, entry);

	if (unlikely(!trace || !live_put(block, trace, size))) {
		count_unseen(table_full);
		live_put(block, TRACE_UNCOUNTED, size);
		return 0;
	}
	if (unlikely(!count_allocated(thread, trace, size))) {
		live_take(block);
		live_put(block, TRACE_UNCOUNTED, size);
		count_unseen(table_full);
		return 0;
	}
	return trace;
}

/* There is more to do than to enter the block, or less. */
static COLD void allocated_controlled(struct thread *thread, const struct caller *caller, enum ht_entry entry, void *block,
				      uint64_t size)
{
	control_poll(thread);
	uint32_t control = load_relaxed(&guest.control);

	/* What realloc gives, sessions hear of together with what it takes. */
	if (control & CONTROL_SESSIONS && entry != HT_ENTRY_REALLOC && entry != HT_ENTRY_REALLOCARRAY)
		session_allocated(thread, caller, block, size);
	if (control & CONTROL_STOPPED)
		return;
	if (control & CONTROL_BY_THREAD && !thread->shared)
		label_update(thread);
	uint32_t trace = enter(thread, caller, entry, block, size);

	if (!trace || !(control & CONTROL_CHURN))
		return;
	churn_allocated(thread, trace, block, size);
	if (thread->moving)
		churn_moved(trace, thread->moved);
}

/* Enter a block that the real allocator has given. */
void interpose_allocated(struct thread *thread, const struct caller *caller, enum ht_entry entry, void *block,
			 uint64_t size)
{
	if (unlikely(load_relaxed(&guest.control)))
		allocated_controlled(thread, caller, entry, block, size);
	else
		enter(thread, caller, entry, block, size);
}

/* Count that a block which has been taken out of the live table is gone. @return whether it was there */
INLINE bool gone(struct thread *thread, struct live_block known)
{
	if (likely(known.trace > TRACE_UNCOUNTED && known.trace >= guest.process->first_trace)) {
		count_freed(thread, known.trace, known.size);
		return true;
	}
	if (known.trace != TRACE_UNCOUNTED)
		count_unseen(inherited_frees);
	return known.trace != 0;
}

bool interpose_freed(struct thread *thread, const void *block)
{
	return gone(thread, live_take(block));
}

/* The malloc inside a real operator new: its block is the operator's. */
static COLD bool take_pending(struct thread *thread, uintptr_t pc, uintptr_t sp, size_t size, struct caller *caller,
			      enum ht_entry *entry, uint64_t *counted)
{
	struct pending *pending = &thread->pending;

	if (sp >= pending->sp || (pc - pending->code >= pending->code_size && !interpose_is_own(pc)))
		return false;
	*caller = (struct caller){pending->pc, pending->caller_sp, pending->rbp};
	*entry = pending->entry;
	*counted = size == pending->inner_size ? pending->size : size;
	pending->used = true;
	return true;
}

INLINE void allocated(struct thread *thread, const struct caller *caller, enum ht_entry entry, void *block, size_t size)
{
	struct caller from = *caller;
	uint64_t counted = size;

	if (unlikely(thread->pending.sp))
		take_pending(thread, from.pc, from.sp, size, &from, &entry, &counted);
	interpose_allocated(thread, &from, entry, block, counted);
}

COLD bool interpose_freed_controlled(struct thread *thread, const struct caller *caller, const void *block)
{
	uint32_t control = load_relaxed(&guest.control);

	if (thread->deleting == (uintptr_t)block)
		return false;
	if (control & CONTROL_CHURN)
		churn_freed(thread, block);
	if (control & CONTROL_SESSIONS)
		session_freed(thread, caller, block);
	return control & CONTROL_SESSIONS;
}

static COLD void failed_controlled(struct thread *thread, const struct caller *caller, enum ht_entry entry, size_t size)
{
	if (load_relaxed(&guest.control) & CONTROL_SESSIONS)
		session_failed(thread, caller, entry, size);
}

/* Every hook's frame: real call between entering and leaving. `expression` may use the hook's parameters. */
#define ALLOCATE(entry, size, expression)                                                    \
	struct caller caller = CALLER();                                                     \
	struct thread *thread = interpose_enter();                                           \
	void *block = (expression);                                                          \
											     \
	if (likely(thread)) {                                                                \
		if (likely(block))                                                           \
			allocated(thread, &caller, entry, block, size);                      \
		else if (unlikely(load_relaxed(&guest.control)))                             \
			failed_controlled(thread, &caller, entry, size);                     \
		thread_leave(thread);                                                        \
	}                                                                                    \
	return block

EXPORT void *malloc(size_t size)
{
	ALLOCATE(HT_ENTRY_MALLOC, size, real.malloc(size));
}

EXPORT void *calloc(size_t count, size_t size)
{
	ALLOCATE(HT_ENTRY_CALLOC, count * size, real.calloc(count, size));
}

EXPORT void *memalign(size_t alignment, size_t size)
{
	ALLOCATE(HT_ENTRY_MEMALIGN, size, real.memalign(alignment, size));
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
	ALLOCATE(HT_ENTRY_ALIGNED_ALLOC, size, real.aligned_alloc(alignment, size));
}

EXPORT void *valloc(size_t size)
{
	ALLOCATE(HT_ENTRY_VALLOC, size, real.valloc(size));
}

EXPORT void *pvalloc(size_t size)
{
	ALLOCATE(HT_ENTRY_PVALLOC, size, real.pvalloc(size));
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
	struct caller caller = CALLER();
	struct thread *thread = interpose_enter();
	int error = real.posix_memalign(out, alignment, size);

	if (likely(thread)) {
		if (likely(!error && *out))
			allocated(thread, &caller, HT_ENTRY_POSIX_MEMALIGN, *out, size);
		else if (unlikely(load_relaxed(&guest.control)))
			failed_controlled(thread, &caller, HT_ENTRY_POSIX_MEMALIGN, size);
		thread_leave(thread);
	}
	return error;
}

/* One free when it succeeds; nothing when it fails, for then the old block lives on. @param known  out: the old block */
INLINE void *exchange(struct thread *thread, void *old, size_t size, struct live_block *known)
{
	*known = old ? live_take(old) : (struct live_block){0};
	void *block = real.realloc(old, size);

	if (old && (block || !size))
		gone(thread, *known);
	else if (known->trace)
		live_put(old, known->trace, known->size);
	return block;
}

static COLD void *reallocate_controlled(struct thread *thread, const struct caller *caller, enum ht_entry entry, void *old,
					size_t size)
{
	uint32_t control = load_relaxed(&guest.control);
	struct session_move move = {.begun = false};
	struct live_block known;

	if (control & CONTROL_SESSIONS && !thread->pending.sp)
		session_move_begin(thread, caller, old, &move);
	void *block = exchange(thread, old, size, &known);

	if (control & CONTROL_CHURN && known.trace) {
		thread->moving = true;
		thread->moved = block == old ? 0 : known.size < size ? known.size : size;
	}
	if (block)
		allocated(thread, caller, entry, block, size);
	thread->moving = false;
	if (move.begun)
		session_move_end(thread, caller, entry, &move, block, size);
	return block;
}

static void *reallocate(const struct caller *caller, enum ht_entry entry, void *old, size_t size)
{
	struct thread *thread = interpose_enter();
	struct live_block known;
	void *block;

	if (unlikely(!thread))
		return real.realloc(old, size);
	if (unlikely(load_relaxed(&guest.control))) {
		block = reallocate_controlled(thread, caller, entry, old, size);
	} else {
		block = exchange(thread, old, size, &known);
		if (likely(block))
			allocated(thread, caller, entry, block, size);
	}
	thread_leave(thread);
	return block;
}

EXPORT void *realloc(void *old, size_t size)
{
	struct caller caller = CALLER();

	return reallocate(&caller, HT_ENTRY_REALLOC, old, size);
}

EXPORT void *reallocarray(void *old, size_t count, size_t size)
{
	struct caller caller = CALLER();
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return reallocate(&caller, HT_ENTRY_REALLOCARRAY, old, bytes);
}

/* The record of a block that is about to be given back; a C++ operator delete has already seen to its own. */
INLINE void forget(struct thread *thread, const void *block)
{
	if (unlikely(thread->deleting == (uintptr_t)block))
		thread->deleting = 0;
	else
		interpose_freed(thread, block);
}

#define FREE(expression)                                    \
	struct thread *thread;                              \
							    \
	if (unlikely(!block)) {                             \
		guest_start();                              \
		(expression);                               \
		return;                                     \
	}                                                   \
	thread = interpose_enter();                         \
	if (likely(thread)) {                               \
		if (unlikely(load_relaxed(&guest.control))) { \
			struct caller caller = CALLER();    \
							    \
			interpose_freed_controlled(thread, &caller, block); \
		}                                           \
		forget(thread, block);                      \
	}                                                   \
	(expression);                                       \
	if (likely(thread))                                 \
		thread_leave(thread)

EXPORT void free(void *block)
{
	FREE(real.free(block));
}

EXPORT void free_sized(void *block, size_t size);
EXPORT void free_sized(void *block, size_t size)
{
	FREE(real.free_sized ? real.free_sized(block, size) : real.free(block));
}

EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size);
EXPORT void free_aligned_sized(void *block, size_t alignment, size_t size)
{
	FREE(real.free_aligned_sized ? real.free_aligned_sized(block, alignment, size) : real.free(block));
}
