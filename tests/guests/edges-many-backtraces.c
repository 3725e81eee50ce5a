// SPDX-License-Identifier: MIT
// A million distinct backtraces: each number's bits choose one of two calls on the way down.
// Expected: allocations=1000000 frees=0 bytes=8000000 live_blocks=1000000 live_bytes=8000000
#include "edges-backtraces.h"

int main(void)
{
	for (int i = 0; i < 1000000; i++)
		down(1 << 20 | i);
	return 0;
}
