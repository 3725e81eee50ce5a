// SPDX-License-Identifier: MIT
// realloc(p, 0) is a free, realloc(NULL, n) a malloc, realloc(NULL, 0) a block of no bytes; free(NULL) is nothing.
// Expect: allocations=4 frees=2 bytes=100 live_blocks=2 live_bytes=40
#include "guest.h"

int main(void)
{
	void *p = malloc(10);

	check(p && realloc(p, 0) == NULL);
	check(p = realloc(NULL, 50));
	check(realloc(p, 0) == NULL);
	check(realloc(NULL, 40));
	check(realloc(NULL, 0));
	free(NULL);
	return 0;
}
