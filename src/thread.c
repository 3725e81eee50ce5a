// SPDX-License-Identifier: MIT

#include "thread.h"
#include "process.h"

#include <linux/mman.h>
#include <sys/mman.h>

#define PTHREAD_TAIL 0x900u /* struct pthread of glibc 2.28 ... 2.41 is at least this long */
#define TABLE_SIZE 65536u   /* thread pointers ever seen */

static struct wiped never; /* secret 0: no word of a TCB matches it */
struct wiped *wiped = &never;

static struct thread shared;
static struct thread **table; /* by hash of the thread pointer; insert-only, lock-free */

static struct thread *first_state; /* [atomic] of the process's first thread */
static bool words_usable; /* the two words were free in the first thread's control block */

static void set_tcb_words(uintptr_t a, uintptr_t b)
{
	/* A signal between the two stores finds a mismatch and takes the slow way. */
	__asm__ volatile("mov %0, %%fs:0x88" ::"r"(b) : "memory");
	__asm__ volatile("mov %0, %%fs:0x80" ::"r"(a) : "memory");
}

bool thread_start(void)
{
	struct wiped *page = memory_map(4096);

	table = memory_map(TABLE_SIZE * sizeof(*table));
	if (!page || !table)
		return false;
	raw_madvise(page, 4096, MADV_WIPEONFORK);
	page->secret = ((uintptr_t)page << 20 ^ thread_pointer() ^ guest.stack_end) | 1;
	shared.shared = true;
	shared.slot = 0;
	words_usable = !tcb_word(0) && !tcb_word(1);
	guest.main_tp = thread_pointer();
	wiped = page;
	return true;
}

/*
 * glibc keeps a thread's stack as (start, size) somewhere in struct pthread, right above the thread pointer. Nothing
 * else there looks like a range that holds both the stack pointer and the control block.
 */
static void find_stack(struct thread *thread, uintptr_t sp)
{
	uintptr_t tp = thread->tp;
	const uintptr_t *word = (const uintptr_t *)(tp + 0x100), *end = (const uintptr_t *)(tp + PTHREAD_TAIL - 16);

	if (tp == guest.main_tp) {
		thread->stack_high = guest.stack_end;
		thread->stack_low = guest.stack_end - guest.stack_limit;
		return;
	}
	for (; word < end; word++) {
		uintptr_t start = word[0], size = word[1];

		if (start < tp && start > 4096 && size >= 4096 && size < (1ull << 40) && start + size > tp &&
		    start + size - tp <= 0x2000) {
			thread->stack_low = start;
			thread->stack_high = tp;
			return;
		}
	}
}

static struct thread *new_state(uintptr_t tp, uintptr_t sp)
{
	struct thread *thread = memory_map(sizeof(*thread) + (2 * STACK_CACHE + 1) * sizeof(struct stack_frame) +
					   2 * STACK_CACHE * sizeof(struct stack_check));

	if (!thread)
		return NULL;
	thread->tp = tp;
	thread->slot = process_new_thread(load_acquire(&first_state));
	if (thread->slot == 1)
		store_release(&first_state, thread);
	thread->frames = (struct stack_frame *)(thread + 1) + 1;
	thread->frames[-1].slot = UINTPTR_MAX;
	thread->fresh = thread->frames + STACK_CACHE;
	thread->checks = (struct stack_check *)(thread->fresh + STACK_CACHE);
	find_stack(thread, sp);
	return thread;
}

static struct thread *find_state(uintptr_t tp, uintptr_t sp)
{
	uint32_t place = (uint32_t)(tp * 0x9e3779b97f4a7c15ull >> 48);

	for (uint32_t i = 0; i < TABLE_SIZE; i++, place = (place + 1) % TABLE_SIZE) {
		struct thread *now = load_acquire(&table[place]);

		if (!now) {
			/* Only this thread inserts its own thread pointer, so nobody makes the same state twice,
			 * but a signal handler that interrupts us here may: the first one in the table wins. */
			struct thread *fresh = new_state(tp, sp);

			if (!fresh)
				return NULL;
			if (__atomic_compare_exchange_n(&table[place], &now, fresh, false, __ATOMIC_ACQ_REL,
							__ATOMIC_ACQUIRE))
				return fresh;
		}
		if (now->tp == tp)
			return now;
	}
	return NULL;
}

COLD struct thread *thread_slow(void)
{
	uintptr_t tp = thread_pointer();
	struct thread *thread;

	if (load_acquire(&guest.status) != GUEST_ACTIVE)
		return NULL;
	if (!load_relaxed(&wiped->secret) && !process_forked(false))
		return NULL;
	thread = find_state(tp, (uintptr_t)__builtin_frame_address(0));
	if (!thread)
		return &shared;
	if (words_usable)
		set_tcb_words((uintptr_t)thread, (uintptr_t)thread ^ wiped->secret);
	return thread;
}

/* On the same stack a nested hook lies below the interrupted one; on another stack one can not tell: nested. */
COLD struct thread *thread_nested(struct thread *thread, uintptr_t sp)
{
	if (thread->shared)
		return thread;
	if (sp < thread->guard || thread_owns(thread, sp) != thread_owns(thread, thread->guard))
		return &shared;
	thread->frame_count = 0; /* the interrupted work may have left the cache half-made */
	thread->guard = sp;
	return thread;
}

void thread_forked(void)
{
	memory_drop(table, TABLE_SIZE * sizeof(*table));
	for (unsigned i = 0; i < sizeof(shared.cells) / sizeof(*shared.cells); i++)
		shared.cells[i] = NULL;
	first_state = NULL;
	shared.chunk = NULL;
	shared.blocks_used = 0;
	shared.live_bytes = shared.live_blocks = 0;
	wiped->secret = ((uintptr_t)wiped << 20 ^ thread_pointer() ^ guest.number * 0x9e3779b9u) | 1;
}
