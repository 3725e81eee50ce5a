// SPDX-License-Identifier: MIT
// 4,096 distinct backtraces: each number's bits choose one of two calls on the way down.
// Expect: allocations=4096 frees=0 bytes=32768 live_blocks=4096 live_bytes=32768
#include "edges-backtraces.h"

int main(void)
{
	for (int i = 0; i < 4096; i++)
		down(1 << 12 | i);
	return 0;
}
