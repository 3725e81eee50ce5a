// SPDX-License-Identifier: MIT

/*
 * What the allocator's hooks have in common.
 */

#ifndef HEAPTRACE_INTERPOSE_H
#define HEAPTRACE_INTERPOSE_H

#include "thread.h"
#include "unwind.h"

/** Enter a block into the tables; what does not fit is counted as unseen. */
void interpose_allocated(struct thread *thread, const struct caller *caller, enum ht_entry entry, void *block,
			 uint64_t size);

/** Take a block out of the tables and count it. @return whether it was there */
bool interpose_freed(struct thread *thread, const void *block);

/** guest.control is set: a block is about to be freed by `caller`. @return whether a session has been told */
bool interpose_freed_controlled(struct thread *thread, const struct caller *caller, const void *block);

/** Whether a return address lies in this library: a real function that ends in a jump was called by one of our hooks. */
INLINE bool interpose_is_own(uintptr_t pc)
{
	return pc - guest.self_start < guest.self_end - guest.self_start;
}

/** The calling thread's state, entered; NULL when not traced. Starts the guest at the very first call. */
INLINE struct thread *interpose_enter(void)
{
	struct thread *thread;

	if (unlikely(load_relaxed(&guest.status) == GUEST_NEW))
		guest_start();
	thread = thread_get();
	return likely(thread) ? thread_enter(thread, (uintptr_t)__builtin_frame_address(0)) : NULL;
}

#endif
