// SPDX-License-Identifier: MIT
// longjmp over 100 frames, 1,000 times, with a block from the deepest and one from the top.
// Expect: allocations=2000 frees=0 bytes=30000 live_blocks=2000 live_bytes=30000
// Own: deepest 1000 10000 1000 10000
// Own: top 1000 20000 1000 20000
#include "guest.h"
#include <setjmp.h>

static jmp_buf back;
static void deepest(void) { check(malloc(10)); longjmp(back, 1); }
static void top(void) { check(malloc(20)); }
static int deep(int n) { if (n == 0) deepest(); return deep(n - 1) + 1; }

int main(void)
{
	for (volatile int i = 0; i < 1000; i++) {
		if (setjmp(back) == 0)
			deep(100);
		top();
	}
	return 0;
}
