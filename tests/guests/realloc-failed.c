// SPDX-License-Identifier: MIT
// A failed realloc or reallocarray keeps the old block; realloc that moves is one free and one allocation.
// Expect: allocations=3 frees=2 bytes=100190 live_blocks=1 live_bytes=100000
#include "guest.h"

int main(void)
{
	volatile size_t huge = PTRDIFF_MAX;
	char *p = malloc(90);

	check(p && !realloc(p, huge) && errno == ENOMEM);
	errno = 0;
	check(!reallocarray(p, huge, 16) && errno == ENOMEM);
	memset(p, 'x', 90);
	check(p = realloc(p, 100));
	check(p = realloc(p, 100000));
	check(p[0] == 'x' && p[89] == 'x');
	return 0;
}
