// SPDX-License-Identifier: MIT

/*
 * The C++ operators. Each is forwarded to the next definition, which throws, calls the new handler and whatever else it
 * should. Most call malloc inside: that malloc, recognised by its return address, is the operator's block. Where it does
 * not (jemalloc, tcmalloc), the block is entered when the operator returns. So each is counted once.
 *
 * An exception passes through these frames; `pending` is then left behind, and is void as soon as the stack is higher.
 */

#include "control.h"
#include "interpose.h"
#include "live.h"
#include "real.h"
#include "session.h"

static COLD void *find_operator(void **place)
{
	real_find_operators();
	return load_acquire(place);
}

/* There is no C++ library to be found: behave as its operators would. */
static COLD void *without_library(size_t size, size_t alignment, bool throws)
{
	void *block = NULL;

	if (alignment <= 16)
		block = real.malloc(size ? size : 1);
	else if (real.posix_memalign(&block, alignment, size ? size : 1))
		block = NULL;
	if (!block && throws) {
		if (real.throw_bad_alloc)
			real.throw_bad_alloc();
		__builtin_trap();
	}
	return block;
}

/* Make `now` the pending operator. An operator inside another one (new[] calls new) is the outer one's. */
static bool push(struct thread *thread, const struct caller *caller, unsigned which, size_t size, size_t alignment,
		 struct pending *before)
{
	struct pending *pending = &thread->pending;
	uintptr_t sp = (uintptr_t)__builtin_frame_address(0);

	*before = *pending;
	if (pending->sp > sp && (caller->pc - pending->code < pending->code_size || interpose_is_own(caller->pc))) {
		pending->code = (uintptr_t)real.news[which];
		pending->code_size = real.new_sizes[which];
		return true;
	}
	*pending = (struct pending){
		.sp = sp + 16, .code = (uintptr_t)real.news[which], .code_size = real.new_sizes[which], .pc = caller->pc,
		.caller_sp = caller->sp, .rbp = caller->rbp, .size = size, .entry = HT_ENTRY_NEW + which,
		/* What libstdc++ asks malloc or aligned_alloc for in its place. */
		.inner_size = which < 4 ? size + !size : (size + !size + alignment - 1) & ~(alignment - 1),
	};
	return false;
}

/* The operator has returned: count its block if no malloc inside was it. */
static void pop(struct thread *thread, const struct caller *caller, const struct pending *before, bool inner, void *block)
{
	struct pending now = thread->pending;

	thread->pending = *before;
	if (inner) {
		thread->pending.used = now.used;
		return;
	}
	/* A program's own operator may have been called in between: then its malloc has been counted as such. */
	if (now.used || !block || live_has(block))
		return;
	struct thread *entered = thread_enter(thread, (uintptr_t)__builtin_frame_address(0));

	interpose_allocated(entered, caller, now.entry, block, now.size);
	thread_leave(entered);
}

#define NEW(which, size, throws, alignment, type, ...)                                             \
	struct caller caller = CALLER();                                                           \
	struct pending before;                                                                     \
	struct thread *thread;                                                                     \
	void *block;                                                                               \
												   \
	if (unlikely(load_relaxed(&guest.status) == GUEST_NEW))                                    \
		guest_start();                                                                     \
	thread = thread_get();                                                                     \
	if (unlikely(!real.news[which]) && !find_operator(&real.news[which]))                      \
		return new_without_library(&caller, which, size, alignment, throws);               \
	if (unlikely(!thread || thread->shared))                                                   \
		return ((type)real.news[which])(__VA_ARGS__);                                      \
	bool inner = push(thread, &caller, which, size, alignment, &before);                                  \
												   \
	block = ((type)real.news[which])(__VA_ARGS__);                                             \
	pop(thread, &caller, &before, inner, block);                                               \
	return block

static COLD void *new_without_library(const struct caller *caller, unsigned which, size_t size, size_t alignment,
				      bool throws)
{
	void *block = without_library(size, alignment, throws);
	struct thread *thread = interpose_enter();

	if (!thread)
		return block;
	if (block)
		interpose_allocated(thread, caller, HT_ENTRY_NEW + which, block, size);
	thread_leave(thread);
	return block;
}

typedef void *plain(size_t);
typedef void *nothrow(size_t, const void *);
typedef void *aligned(size_t, size_t);
typedef void *aligned_nothrow(size_t, size_t, const void *);

/* The mangled names are the C++ ABI's; std::align_val_t is a size_t, std::nothrow_t comes by reference. */
#define DECLARE(name, ...) EXPORT void *name(__VA_ARGS__); EXPORT void *name(__VA_ARGS__)

DECLARE(_Znwm, size_t size)
{
	NEW(0, size, true, 16, plain *, size);
}

DECLARE(_Znam, size_t size)
{
	NEW(1, size, true, 16, plain *, size);
}

DECLARE(_ZnwmRKSt9nothrow_t, size_t size, const void *tag)
{
	NEW(2, size, false, 16, nothrow *, size, tag);
}

DECLARE(_ZnamRKSt9nothrow_t, size_t size, const void *tag)
{
	NEW(3, size, false, 16, nothrow *, size, tag);
}

DECLARE(_ZnwmSt11align_val_t, size_t size, size_t alignment)
{
	NEW(4, size, true, alignment, aligned *, size, alignment);
}

DECLARE(_ZnamSt11align_val_t, size_t size, size_t alignment)
{
	NEW(5, size, true, alignment, aligned *, size, alignment);
}

DECLARE(_ZnwmSt11align_val_tRKSt9nothrow_t, size_t size, size_t alignment, const void *tag)
{
	NEW(6, size, false, alignment, aligned_nothrow *, size, alignment, tag);
}

DECLARE(_ZnamSt11align_val_tRKSt9nothrow_t, size_t size, size_t alignment, const void *tag)
{
	NEW(7, size, false, alignment, aligned_nothrow *, size, alignment, tag);
}

/* Count the block now: the real operator may give it back without calling free (jemalloc, tcmalloc). */
INLINE struct thread *begin_delete(const struct caller *caller, void *block)
{
	struct thread *thread = block ? interpose_enter() : NULL;

	if (!thread)
		return NULL;
	if (thread->deleting != (uintptr_t)block) {
		bool told = caller && interpose_freed_controlled(thread, caller, block);

		thread->deleting = interpose_freed(thread, block) || told ? (uintptr_t)block : 0;
	}
	thread_leave(thread);
	return thread;
}

static struct thread *deleting(void *block)
{
	return begin_delete(NULL, block);
}

static COLD struct thread *deleting_controlled(const struct caller *caller, void *block)
{
	return begin_delete(caller, block);
}

/* The inner free, if there was one, has met the mark and taken it away. */
static void deleted(struct thread *thread, void *block)
{
	if (thread && thread->deleting == (uintptr_t)block)
		thread->deleting = 0;
}

static COLD void delete_without_library(void *block)
{
	real.free(block);
}

#define DELETE(which, type, ...)                                                              \
	if (unlikely(load_relaxed(&guest.status) == GUEST_NEW))                               \
		guest_start();                                                                \
	struct thread *thread;                                                                \
											      \
	if (unlikely(load_relaxed(&guest.control))) {                                         \
		struct caller caller = CALLER();                                              \
											      \
		thread = deleting_controlled(&caller, block);                                 \
	} else {                                                                              \
		thread = deleting(block);                                                     \
	}                                                                                     \
	if (likely(real.deletes[which]) || find_operator(&real.deletes[which]))               \
		((type)real.deletes[which])(__VA_ARGS__);                                     \
	else                                                                                  \
		delete_without_library(block);                                                \
	deleted(thread, block)

#define DECLARE_DELETE(name, ...) EXPORT void name(__VA_ARGS__); EXPORT void name(__VA_ARGS__)

typedef void one(void *);
typedef void sized(void *, size_t);
typedef void tagged(void *, const void *);
typedef void aligned_sized(void *, size_t, size_t);
typedef void aligned_tagged(void *, size_t, const void *);

DECLARE_DELETE(_ZdlPv, void *block)
{
	DELETE(DELETE_PLAIN, one *, block);
}

DECLARE_DELETE(_ZdaPv, void *block)
{
	DELETE(DELETE_ARRAY, one *, block);
}

DECLARE_DELETE(_ZdlPvm, void *block, size_t size)
{
	DELETE(DELETE_SIZED, sized *, block, size);
}

DECLARE_DELETE(_ZdaPvm, void *block, size_t size)
{
	DELETE(DELETE_ARRAY_SIZED, sized *, block, size);
}

DECLARE_DELETE(_ZdlPvRKSt9nothrow_t, void *block, const void *tag)
{
	DELETE(DELETE_NOTHROW, tagged *, block, tag);
}

DECLARE_DELETE(_ZdaPvRKSt9nothrow_t, void *block, const void *tag)
{
	DELETE(DELETE_ARRAY_NOTHROW, tagged *, block, tag);
}

DECLARE_DELETE(_ZdlPvSt11align_val_t, void *block, size_t alignment)
{
	DELETE(DELETE_ALIGNED, sized *, block, alignment);
}

DECLARE_DELETE(_ZdaPvSt11align_val_t, void *block, size_t alignment)
{
	DELETE(DELETE_ARRAY_ALIGNED, sized *, block, alignment);
}

DECLARE_DELETE(_ZdlPvmSt11align_val_t, void *block, size_t size, size_t alignment)
{
	DELETE(DELETE_ALIGNED_SIZED, aligned_sized *, block, size, alignment);
}

DECLARE_DELETE(_ZdaPvmSt11align_val_t, void *block, size_t size, size_t alignment)
{
	DELETE(DELETE_ARRAY_ALIGNED_SIZED, aligned_sized *, block, size, alignment);
}

DECLARE_DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, void *block, size_t alignment, const void *tag)
{
	DELETE(DELETE_ALIGNED_NOTHROW, aligned_tagged *, block, alignment, tag);
}

DECLARE_DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, void *block, size_t alignment, const void *tag)
{
	DELETE(DELETE_ARRAY_ALIGNED_NOTHROW, aligned_tagged *, block, alignment, tag);
}
