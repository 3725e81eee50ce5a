// SPDX-License-Identifier: MIT
// 20 detached threads that sleep for ever when main returns; what they leaked is counted.
// Expect: counter
// Own: leak 40 4000 40 4000
#include "guest.h"

static pthread_barrier_t barrier;

static void *run(void *unused)
{
	leak(2, 100);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return NULL;
}

int main(void)
{
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 21);
	for (int i = 0; i < 20; i++)
		check(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_detach(thread) == 0);
	pthread_barrier_wait(&barrier);
	return 0;
}
