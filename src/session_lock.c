// SPDX-License-Identifier: MIT

/*
 * The sessions' lock: a futex with signals blocked. Waiters sleep, so that a holder of lower priority gets to run.
 */

#include "session.h"

#include <linux/futex.h>
#include <signal.h>
#include <time.h>

#define FREE 0u
#define HELD 1u
#define AWAITED 2u
#define SPINS 100u
#define CAGE_SPINS (1u << 28)

static struct {
	uint32_t word;   /* [atomic] */
	uintptr_t owner; /* [atomic] thread pointer */
} lock;

static bool try(uint32_t to)
{
	uint32_t free = FREE;

	return __atomic_compare_exchange_n(&lock.word, &free, to, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static bool spin(uint32_t times)
{
	for (uint32_t i = 0; i < times; i++) {
		if (load_relaxed(&lock.word) == FREE && try(HELD))
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

/* A holder that finds itself in a cage wakes nobody: so look from time to time. */
static void sleep_until_free(void)
{
	const struct timespec while_ = {.tv_nsec = 20000000};

	while (__atomic_exchange_n(&lock.word, AWAITED, __ATOMIC_ACQUIRE) != FREE)
		raw_call(SYS_futex, &lock.word, FUTEX_WAIT_PRIVATE, AWAITED, &while_);
}

bool session_lock(struct session_hold *hold)
{
	uint64_t all = ~0ull;

	hold->masked = !load_relaxed(&guest.caged);
	if (hold->masked)
		raw_call(SYS_rt_sigprocmask, SIG_BLOCK, &all, &hold->mask, sizeof(all));
	else if (load_relaxed(&lock.owner) == thread_pointer())
		return false;
	if (!spin(hold->masked ? SPINS : CAGE_SPINS)) {
		if (!hold->masked)
			return false;
		sleep_until_free();
	}
	store_relaxed(&lock.owner, thread_pointer());
	return true;
}

void session_unlock(const struct session_hold *hold)
{
	store_relaxed(&lock.owner, 0);
	if (__atomic_exchange_n(&lock.word, FREE, __ATOMIC_RELEASE) == AWAITED && !load_relaxed(&guest.caged))
		raw_call(SYS_futex, &lock.word, FUTEX_WAKE_PRIVATE, 1, NULL);
	if (hold->masked)
		raw_call(SYS_rt_sigprocmask, SIG_SETMASK, &hold->mask, NULL, sizeof(hold->mask));
}

bool session_lock_forked(void)
{
	bool held = lock.word != FREE;

	lock.word = FREE;
	lock.owner = 0;
	return held;
}
