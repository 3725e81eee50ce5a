// SPDX-License-Identifier: MIT
// SIGEV_THREAD timers: the C library's helper thread and its signal 32 are left alone.
// Expect: counter
// Own: notify 5 50 5 50
// Counter: no the C library's blocks for its threads depend on timing
#include "guest.h"
#include <time.h>

static int calls;

static void notify(union sigval value)
{
	if (__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) < 5)
		check(malloc(10));
}

int main(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = notify};
	struct itimerspec often = {{0, 10000000}, {0, 10000000}}, never = {};
	timer_t timer;

	check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
	while (__atomic_load_n(&calls, __ATOMIC_RELAXED) < 8)
		use(100, 100);
	check(timer_settime(timer, 0, &never, NULL) == 0);
	return 0;
}
