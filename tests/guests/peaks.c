// SPDX-License-Identifier: MIT
// Live rises to 100 + 10 * 50 = 600 bytes in 11 blocks, falls, rises to 5 * 90 + 100 = 550 in 6, and ends at 100.
// Expect: allocations=16 frees=15 bytes=1050 live_blocks=1 live_bytes=100 peak_blocks=11 peak_bytes=600
// Own: first 1 100 1 100
// Own: wide 10 500 0 0
// Own: late 5 450 0 0
#include "guest.h"

static void *blocks[16];

static void first(void) { check(malloc(100)); }
static void wide(void) { for (int i = 0; i < 10; i++) blocks[i] = malloc(50); }
static void late(void) { for (int i = 0; i < 5; i++) blocks[i] = malloc(90); }
static void drop(int count) { while (count--) free(blocks[count]); }

int main(void)
{
	first();
	wide();
	drop(10);
	late();
	drop(5);
	return 0;
}
