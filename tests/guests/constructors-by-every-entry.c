// SPDX-License-Identifier: MIT
// The very first calls of a process by each entry point, in the preinit array: calloc, memalign and realloc before malloc.
// Expect: allocations=8 frees=2 bytes=1300 live_blocks=6 live_bytes=1060
#include "guest.h"

static void before(void)
{
	void *p;

	errno = 1234;
	check(p = calloc(3, 40));                 /* 120, freed by realloc */
	check(p = realloc(p, 200));               /* 200 */
	check(memalign(64, 300));                 /* 300 */
	free(realloc(NULL, 120));                 /* 120, freed */
	check(posix_memalign(&p, 32, 110) == 0);  /* 110 */
	check(aligned_alloc(32, 128));            /* 128 */
	check(reallocarray(NULL, 2, 100));        /* 200 */
	check(valloc(122));                       /* 122 */
	check(errno == 1234);
}

__attribute__((section(".preinit_array"), used)) static void (*preinit)(void) = before;

int main(void)
{
	return 0;
}
