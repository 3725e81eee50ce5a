// SPDX-License-Identifier: MIT
// A second thread calls exit(7) while main waits. The thread's own block of the C library (its TLS vector) counts too.
// Expect: counter
// Own: leak 10 1100 10 1100
// Ends: exit:7
#include "guest.h"

static void *run(void *unused)
{
	leak(10, 110);
	exit(7);
}

int main(void)
{
	pthread_t thread;

	check(pthread_create(&thread, NULL, run, NULL) == 0);
	pthread_join(thread, NULL);
	return 0;
}
