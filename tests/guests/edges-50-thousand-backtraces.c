// SPDX-License-Identifier: MIT
// 50,000 distinct backtraces: each number's bits choose one of two calls on the way down.
// Expect: allocations=50000 frees=0 bytes=400000 live_blocks=50000 live_bytes=400000
#include "edges-backtraces.h"

int main(void)
{
	for (int i = 0; i < 50000; i++)
		down(1 << 16 | i);
	return 0;
}
