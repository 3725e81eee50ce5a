// SPDX-License-Identifier: MIT
// A timer's SIGUSR1 every millisecond, with the program's own handler, while four threads allocate; a thousand arrive.
// Expect: counter
// Own: churn 400000 20000000 0 0
// Own: leak 40 280 40 280
// Counter: no the C library's stack cache depends on timing
#include "guest.h"
#include <time.h>

static int ticks;
static void tick(int signal) { __atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED); }

static void churn(void)
{
	for (int i = 0; i < 100000; i++)
		free(malloc(50));
}

static void *run(void *unused)
{
	churn();
	leak(10, 7);
	return NULL;
}

int main(void)
{
	struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec often = {{0, 1000000}, {0, 1000000}};
	pthread_t threads[4];
	timer_t timer;

	check(sigaction(SIGUSR1, &action, NULL) == 0 && timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	check(timer_settime(timer, 0, &often, NULL) == 0);
	for (int i = 0; i < 4; i++)
		check(pthread_create(&threads[i], NULL, run, NULL) == 0);
	for (int i = 0; i < 4; i++)
		check(pthread_join(threads[i], NULL) == 0);
	while (__atomic_load_n(&ticks, __ATOMIC_RELAXED) < 1000)
		pause();
	return 0;
}
