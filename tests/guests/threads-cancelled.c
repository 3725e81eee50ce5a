// SPDX-License-Identifier: MIT
// malloc and free are no cancellation points: a thread with a cancellation pending finishes its 1,000 rounds and ends at
// pthread_testcancel. One that may be cancelled at any moment is cancelled outside them.
// Expect: counter
// Own: rounds 2000 20000 1000 10000
// Own: cleanup 1 5 1 5
// Counter: no cancellation loads libgcc_s, with sizes that depend on paths
#include "guest.h"

static int ready;

static void cleanup(void *unused) { check(malloc(5)); }

static void rounds(void)
{
	for (int i = 0; i < 1000; i++) {
		check(malloc(10));
		free(malloc(10));
	}
}

static void *deferred(void *unused)
{
	while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		;
	pthread_cleanup_push(cleanup, NULL);
	rounds();
	pthread_testcancel();
	check(!"reached");
	pthread_cleanup_pop(0);
	return NULL;
}

static void *asynchronous(void *unused)
{
	free(malloc(77));
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	__atomic_store_n(&ready, 2, __ATOMIC_RELEASE);
	for (;;)
		;
	return NULL;
}

int main(void)
{
	pthread_t thread;
	void *result;

	check(pthread_create(&thread, NULL, deferred, NULL) == 0 && pthread_cancel(thread) == 0);
	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	check(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	check(pthread_create(&thread, NULL, asynchronous, NULL) == 0);
	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != 2)
		;
	check(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	return 0;
}
