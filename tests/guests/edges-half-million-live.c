// SPDX-License-Identifier: MIT
// 500,000 live blocks, every other one freed, and 250,000 more.
// Expect: allocations=750000 frees=250000 bytes=12000000 live_blocks=500000 live_bytes=8000000
#include "guest.h"

static void *blocks[500000];

int main(void)
{
	for (int i = 0; i < 500000; i++)
		blocks[i] = malloc(16);
	for (int i = 0; i < 500000; i += 2)
		free(blocks[i]);
	leak(250000, 16);
	return 0;
}
