// SPDX-License-Identifier: MIT
// Every entry point in a constructor of the program, and again in a destructor after main; each with a size of its own.
// Expect: allocations=20 frees=4 bytes=2240 live_blocks=16 live_bytes=2050
// Own: begins 10 1120 8 1025
// Own: ends 10 1120 8 1025
#include "guest.h"

/* Kept live: 1 + 2 + 4 + 8 + 64 + 16 + 416 + 512 + 2 = 1025 */
static void each(void)
{
	void *p = NULL;

	free(malloc(33));
	check(calloc(1, 1));
	check(p = realloc(NULL, 62));
	check(reallocarray(p, 1, 4));
	check(memalign(64, 4));
	check(posix_memalign(&p, 64, 8) == 0);
	check(aligned_alloc(64, 64));
	check(valloc(16));
	check(pvalloc(416));
	check(malloc(512));
}

__attribute__((constructor)) static void begins(void) { errno = 77; each(); check(errno == 77); }
__attribute__((destructor)) static void ends(void) { each(); }

int main(void)
{
	return 0;
}
