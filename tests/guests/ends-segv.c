// SPDX-License-Identifier: MIT
// A wild pointer.
// Expect: allocations=10 frees=0 bytes=1100 live_blocks=10 live_bytes=1100
// Ends: signal:SIGSEGV
#include "guest.h"

int main(void)
{
	leak(10, 110);
	*(volatile int *)8 = 1;
	return 0;
}
