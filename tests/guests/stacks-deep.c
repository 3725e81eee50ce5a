// SPDX-License-Identifier: MIT
// A block from 100,000 frames deep, one from every 10,000th on the way down, and up again.
// Expect: allocations=20 frees=0 bytes=200 live_blocks=20 live_bytes=200
#include "guest.h"

static int deep(int n)
{
	int below;

	if (n % 10000 == 0)
		check(malloc(10));
	below = n > 1 ? deep(n - 1) : 0;
	if (n % 10000 == 0)
		check(malloc(10));
	return below + 1;
}

int main(void)
{
	check(deep(100000) == 100000);
	return 0;
}
