// SPDX-License-Identifier: MIT
// Handlers of pthread_atfork allocate in parent and child, between any of ours.
// Expect: allocations=4 frees=0 bytes=40 live_blocks=4 live_bytes=40
// Expect: allocations=2 frees=0 bytes=20 live_blocks=2 live_bytes=20
#include "guest.h"

static void handler(void) { leak(1, 10); }

int main(void)
{
	check(pthread_atfork(handler, handler, handler) == 0);
	leak(1, 10);
	if (fork() == 0) { /* prepare: 1 in the parent */
		leak(1, 10);
		_exit(0);
	}
	check(wait(NULL) > 0);
	leak(1, 10);
	return 0;
}
