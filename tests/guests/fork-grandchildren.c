// SPDX-License-Identifier: MIT
// Four generations; each leaks as many blocks of 10 bytes as it is old, and frees what its parent left.
// Expect: allocations=2 frees=0 bytes=20 live_blocks=2 live_bytes=20 inherited=0
// Expect: allocations=3 frees=0 bytes=30 live_blocks=3 live_bytes=30 inherited=1
// Expect: allocations=4 frees=0 bytes=40 live_blocks=4 live_bytes=40 inherited=1
// Expect: allocations=5 frees=0 bytes=50 live_blocks=5 live_bytes=50 inherited=1
#include "guest.h"

static void generation(int age)
{
	void *p = malloc(10);

	leak(age, 10);
	if (age < 4 && fork() == 0) {
		free(p);
		generation(age + 1);
		_exit(0);
	}
	if (age < 4)
		check(wait(NULL) > 0);
}

int main(void)
{
	generation(1);
	return 0;
}
