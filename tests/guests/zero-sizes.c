// SPDX-License-Identifier: MIT
// Blocks of no bytes are blocks.
// Expect: allocations=6 frees=2 bytes=0 live_blocks=4 live_bytes=0
#include "guest.h"

int main(void)
{
	void *p;

	check(p = malloc(0));
	check(p != malloc(0));
	free(p);
	free(calloc(0, 8));
	check(calloc(8, 0));
	check(memalign(64, 0));
	check(posix_memalign(&p, 64, 0) == 0);
	return 0;
}
