// SPDX-License-Identifier: MIT
// 10,000 threads, one after the other, each leaking 1 block of 8 bytes and freeing 9.
// Expect: counter
// Own: leak 10000 80000 10000 80000
// Own: use 90000 720000 0 0
#include "guest.h"

static void *run(void *unused)
{
	leak(1, 8);
	use(9, 8);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	for (int i = 0; i < 10000; i++)
		check(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0);
	return 0;
}
