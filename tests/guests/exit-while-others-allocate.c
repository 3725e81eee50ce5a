// SPDX-License-Identifier: MIT
// main returns while four detached threads allocate and free without end; nothing hangs, and main's own leak is exact.
// Expect: counter
// Own: leak 10 1100 10 1100
// Counter: no the threads are stopped at different moments
#include "guest.h"

static void *churn(void *unused)
{
	for (;;) {
		void *p = malloc(100), *q = calloc(1, 5000);
		free(realloc(p, 300));
		free(q);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		check(pthread_create(&thread, NULL, churn, NULL) == 0 && pthread_detach(thread) == 0);
	leak(10, 110);
	usleep(100000);
	return 0;
}
