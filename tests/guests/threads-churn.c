// SPDX-License-Identifier: MIT
// Eight threads, each 20,000 rounds of malloc(48), calloc(2, 24), realloc to 96 and two frees, and 10 leaks of 7 bytes.
// Expect: counter
// Own: churn 480000 30720000 0 0
// Own: leak 80 560 80 560
#include "guest.h"

static void churn(void)
{
	for (int i = 0; i < 20000; i++) {
		void *p = malloc(48), *q = calloc(2, 24);
		free(realloc(p, 96));
		free(q);
	}
}

static pthread_barrier_t barrier;

static void *run(void *unused)
{
	pthread_barrier_wait(&barrier);
	churn();
	leak(10, 7);
	return NULL;
}

int main(void)
{
	pthread_t threads[8];
	pthread_attr_t small; /* with large stacks it is a matter of timing which of them the C library keeps */

	check(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 256 << 10) == 0);
	pthread_barrier_init(&barrier, NULL, 8);
	for (int i = 0; i < 8; i++)
		check(pthread_create(&threads[i], &small, run, NULL) == 0);
	for (int i = 0; i < 8; i++)
		check(pthread_join(threads[i], NULL) == 0);
	return 0;
}
