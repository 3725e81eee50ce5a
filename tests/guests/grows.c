// SPDX-License-Identifier: MIT
// Allocates one block of 100,000 bytes and says "ready". For every line that it reads it grows by 3 blocks of 100 bytes,
// puts a new block of 5,000 bytes in the place of an old one, uses 10 of 200 for a moment, and says "grown". It ends at
// end of file.
#include "guest.h"

static __attribute__((noinline)) void grow(void)
{
	leak(3, 100);
}

static __attribute__((noinline)) void replace(void)
{
	static void *old;
	void *new = malloc(5000);

	check(new);
	free(old);
	old = new;
}

int main(void)
{
	char c = 0;

	leak(1, 100000);
	do {
		if (c == '\n') {
			grow();
			use(10, 200);
		}
		replace();
		say(c ? "grown" : "ready");
	} while (read(0, &c, 1) == 1);
	return 0;
}
