// SPDX-License-Identifier: MIT
// quick_exit(6): its handlers run, exit's do not.
// Expect: allocations=12 frees=1 bytes=1131 live_blocks=11 live_bytes=1121
// Ends: exit:6
#include "guest.h"

static void *block;
static void quick(void) { free(block); leak(1, 21); }
static void normal(void) { leak(1, 1000000); }

int main(void)
{
	block = malloc(10);
	atexit(normal);
	at_quick_exit(quick);
	leak(10, 110);
	quick_exit(6);
}
