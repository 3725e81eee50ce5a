// SPDX-License-Identifier: MIT
// A child's realloc of an inherited block is an inherited free and an allocation.
// Expect: allocations=1 frees=0 bytes=100 live_blocks=1 live_bytes=100 inherited=0
// Expect: allocations=1 frees=0 bytes=200 live_blocks=1 live_bytes=200 inherited=1
#include "guest.h"

int main(void)
{
	char *p = malloc(100);

	if (fork() == 0) {
		check(p = realloc(p, 200));
		return 0;
	}
	check(wait(NULL) > 0);
	return 0;
}
