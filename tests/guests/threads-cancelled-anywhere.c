// SPDX-License-Identifier: MIT
// 100 threads are cancelled asynchronously, wherever they are in malloc, realloc and free; what they ran on is used by the
// next ones, and a last thread and main are traced as before. (The allocator below can be left at any moment.)
// Expect: counter
// Own: after 20 2200 20 2200
// Env: LD_PRELOAD=@BUILD@/tests/bump.so
// Counter: no it holds a lock while it counts
#include "guest.h"

static int running;

static void *endless(void *unused)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	for (;;) {
		free(realloc(malloc(10), 20));
		__atomic_store_n(&running, 1, __ATOMIC_RELEASE);
	}
}

static void after(void)
{
	for (int i = 0; i < 10; i++)
		check(malloc(110));
}

static void *last(void *unused) { after(); return NULL; }

int main(void)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 100; i++) {
		__atomic_store_n(&running, 0, __ATOMIC_RELEASE);
		check(pthread_create(&thread, NULL, endless, NULL) == 0);
		while (!__atomic_load_n(&running, __ATOMIC_ACQUIRE))
			sched_yield();
		check(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	}
	check(pthread_create(&thread, NULL, last, NULL) == 0 && pthread_join(thread, NULL) == 0);
	after();
	return 0;
}
