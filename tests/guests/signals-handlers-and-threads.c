// SPDX-License-Identifier: MIT
// Handlers of SIGUSR1 and SIGUSR2 that the program installs before its threads start, while four of them allocate, and from
// one of them; every signal is handled, by whichever handler was there, and in whichever thread it was sent to.
// Expect: counter
// Own: churn 40000 2000000 0 0
// Own: leak 40 280 40 280
// Counter: no the C library's stack cache depends on timing
#include "guest.h"

static int got1, got2, stopping, started;
static void one(int signal) { __atomic_fetch_add(&got1, 1, __ATOMIC_RELAXED); }
static void two(int signal) { __atomic_fetch_add(&got2, 1, __ATOMIC_RELAXED); }

static void churn(void)
{
	for (int i = 0; i < 10000; i++)
		free(malloc(50));
}

static void *run(void *number)
{
	__atomic_fetch_add(&started, 1, __ATOMIC_RELEASE);
	if (number) {
		struct sigaction own = {.sa_handler = two}, old;

		check(sigaction(SIGUSR1, &own, &old) == 0 && old.sa_handler == one);
		check(pthread_kill(pthread_self(), SIGUSR1) == 0 && got2 >= 1);
		check(signal(SIGUSR1, one) == two);
	}
	churn();
	leak(10, 7);
	while (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE))
		sched_yield();
	return NULL;
}

int main(void)
{
	struct sigaction own = {.sa_handler = one, .sa_flags = SA_RESTART}, old;
	pthread_t threads[4];

	check(sigaction(SIGUSR1, &own, &old) == 0 && old.sa_handler == SIG_DFL);
	raise(SIGUSR1);
	check(got1 == 1);
	for (long i = 0; i < 4; i++)
		check(pthread_create(&threads[i], NULL, run, i == 3 ? (void *)i : NULL) == 0);
	while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) < 4)
		sched_yield();
	check(signal(SIGUSR2, two) == SIG_DFL);
	for (int i = 0; i < 100; i++) {
		int before = __atomic_load_n(&got2, __ATOMIC_RELAXED);

		check(pthread_kill(threads[i % 4], SIGUSR2) == 0);
		while (__atomic_load_n(&got2, __ATOMIC_RELAXED) == before)
			sched_yield();
	}
	__atomic_store_n(&stopping, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 4; i++)
		check(pthread_join(threads[i], NULL) == 0);
	check(signal(SIGUSR2, SIG_DFL) == two && got2 == 101);
	return 0;
}
