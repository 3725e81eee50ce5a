// SPDX-License-Identifier: MIT
// Frames of changing sizes: alloca, variable-length arrays, and stacks realigned to 64 bytes.
// Expect: allocations=2000 frees=1000 bytes=20000 live_blocks=1000 live_bytes=10000
// Own: with_alloca 1000 10000 500 5000
// Own: with_array 1000 10000 500 5000
#include "guest.h"
#include <alloca.h>

static void with_alloca(int n)
{
	volatile char *room = alloca(n * 16);

	room[0] = 1;
	leak(1, 10);
	use(1, 10);
}

static void with_array(int n)
{
	volatile char room[n * 7 + 1] __attribute__((unused)), wide[64] __attribute__((aligned(64)));

	wide[0] = room[n] = 1;
	check(wide[0] == 1);
	leak(1, 10);
	use(1, 10);
}

int main(void)
{
	for (int i = 1; i <= 500; i++) {
		with_alloca(i);
		with_array(i);
	}
	return 0;
}
