// SPDX-License-Identifier: MIT
// main ends by pthread_exit; the process ends, with status 0, when its last thread does.
// Expect: counter
// Own: leak 10 1100 10 1100
#include "guest.h"

static pthread_t first;

static void *run(void *unused)
{
	check(pthread_join(first, NULL) == 0);
	leak(10, 110);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	first = pthread_self();
	check(pthread_create(&thread, NULL, run, NULL) == 0);
	pthread_exit(NULL);
}
