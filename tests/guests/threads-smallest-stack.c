// SPDX-License-Identifier: MIT
// Threads with PTHREAD_STACK_MIN bytes of stack, 16 KiB, most of them used up.
// Expect: counter
// Own: leak 20 200 20 200
#include "guest.h"
#include <limits.h>

static void *run(void *unused)
{
	volatile char most[6 << 10];

	memset((char *)most, 1, sizeof(most));
	leak(10, 10);
	return most[17] == 1 ? NULL : unused;
}

int main(void)
{
	pthread_attr_t smallest;
	pthread_t thread;

	check(pthread_attr_init(&smallest) == 0 && pthread_attr_setstacksize(&smallest, PTHREAD_STACK_MIN) == 0);
	for (int i = 0; i < 2; i++)
		check(pthread_create(&thread, &smallest, run, NULL) == 0 && pthread_join(thread, NULL) == 0);
	return 0;
}
