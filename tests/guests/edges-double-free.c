// SPDX-License-Identifier: MIT
// A block freed twice: the C library's own message and abort, unhidden.
// Expect: allocations=1 frees=1 bytes=100 live_blocks=0 live_bytes=0
// Ends: signal:SIGABRT
#include "guest.h"

int main(void)
{
	void *volatile p = malloc(100);

	free(p);
	free(p);
	return 0;
}
