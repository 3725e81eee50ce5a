// SPDX-License-Identifier: MIT
// errno survives every successful call, first ones included.
// Expect: allocations=7 frees=5 bytes=464 live_blocks=2 live_bytes=224
#include "guest.h"

int main(void)
{
	void *p, *q;

	errno = 4711;
	p = malloc(16);
	p = realloc(p, 32);
	free(p);
	free(calloc(4, 4));
	check(posix_memalign(&q, 64, 64) == 0);
	free(q);
	free(memalign(128, 112));
	p = aligned_alloc(128, 128);
	q = malloc(96);
	free(NULL);
	check(p && q && errno == 4711);
	check(malloc_usable_size(q) >= 96 && errno == 4711);
	return 0;
}
