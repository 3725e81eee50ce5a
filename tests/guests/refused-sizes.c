// SPDX-License-Identifier: MIT
// What fails is not counted and reports its error: overflow, absurd sizes, impossible alignments.
// Expect: allocations=0 frees=0 bytes=0 live_blocks=0 live_bytes=0 peak_bytes=0
#include "guest.h"

#define refused(call) (errno = 0, !(call) && errno == ENOMEM)

int main(void)
{
	volatile size_t half = SIZE_MAX / 2 + 1, most = SIZE_MAX;
	void *p = &p;

	check(refused(malloc(most)));
	check(refused(calloc(half, 2)));
	check(refused(calloc(most, most)));
	check(refused(reallocarray(NULL, half, 4)));
	check(refused(valloc(most)));
	check(refused(memalign(64, most)));
	check(posix_memalign(&p, 3, 8) == EINVAL && p == &p);
	check(posix_memalign(&p, 64, most) == ENOMEM && p == &p);
	return 0;
}
