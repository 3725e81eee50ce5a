// SPDX-License-Identifier: MIT
// exit(3): handlers run, and what they do counts.
// Expect: allocations=11 frees=1 bytes=1110 live_blocks=10 live_bytes=1100
// Ends: exit:3
#include "guest.h"

static void *block;
static void handler(void) { free(block); }

int main(void)
{
	block = malloc(10);
	atexit(handler);
	leak(10, 110);
	exit(3);
}
