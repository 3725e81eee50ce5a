// SPDX-License-Identifier: MIT
// Every entry point of the C library once, each with a size of its own. All are leaked but the first.
// Expect: allocations=10 frees=2 bytes=1116 live_blocks=8 live_bytes=1023
#include "guest.h"

int main(void)
{
	void *p = NULL;

	free(malloc(31));                            /* +31 -31 */
	check(calloc(1, 1));                         /* 1 */
	check(p = realloc(NULL, 62));                /* 62, freed by the next line */
	check(reallocarray(p, 1, 2));                /* 2 */
	check(memalign(64, 4));                      /* 4 */
	check(posix_memalign(&p, 64, 8) == 0);       /* 8 */
	check(aligned_alloc(64, 64) != NULL);        /* 64 */
	check(valloc(16));                           /* 16 */
	check(pvalloc(416));                         /* 416: as asked for, not as rounded up */
	check(malloc(512));                          /* 512 */
	return 0;
}
