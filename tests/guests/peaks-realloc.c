// SPDX-License-Identifier: MIT
// A block grows by realloc to 1,000 bytes and shrinks to 10: a realloc is one free and one allocation.
// Expect: allocations=101 frees=100 bytes=50510 live_blocks=1 live_bytes=10 peak_blocks=1 peak_bytes=1000
#include "guest.h"

int main(void)
{
	char *p = NULL;

	for (int size = 10; size <= 1000; size += 10) /* 10 + 20 + ... + 1000 = 50,500 */
		check(p = realloc(p, size));
	check(p = realloc(p, 10));
	return 0;
}
