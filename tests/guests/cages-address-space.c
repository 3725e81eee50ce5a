// SPDX-License-Identifier: MIT
// RLIMIT_AS of 512 MiB: the program fills it to the end in blocks of 1 MiB, malloc fails with ENOMEM, and it goes on.
// Expect: counter
// Own: leak 10 1000 10 1000
// Own: refused 0 0 0 0
// Counter: no it takes address space of its own
#include "guest.h"

static void *refused(void) { return malloc(1 << 28); }

int main(int argc, char **argv)
{
	struct rlimit limit = {512 << 20, 512 << 20};
	static void *blocks[600];
	int n = 0;

	check(setrlimit(RLIMIT_AS, &limit) == 0);
	while (n < 600 && (blocks[n] = malloc(1 << 20)))
		n++;
	check(n > 300 && n < 512 && errno == ENOMEM && !refused());
	while (n > 0)
		free(blocks[--n]);
	leak(10, 100);
	return 0;
}
