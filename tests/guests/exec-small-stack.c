// SPDX-License-Identifier: MIT
// execl, execlp and execle on a stack of 16 KiB with 256 KiB below it that may not be touched; number n leaks n blocks.
// Expect: counter
// Expect: counter
// Expect: counter
// Expect: allocations=0 frees=0 bytes=0 live_blocks=0 live_bytes=0
// Own: leak 6 600 6 600
// Ends: exec exec exec exit:0
// Args: 3
#include "guest.h"

#define SELF "/proc/self/exe"

static void *run(void *left)
{
	if (*(char *)left == '3')
		execl(SELF, "self", "2", NULL);
	else if (*(char *)left == '2')
		execlp(SELF, "self", "1", NULL);
	else
		execle(SELF, "self", "0", NULL, environ);
	_exit(1);
}

int main(int argc, char **argv)
{
	const size_t below = 256 << 10, size = 16 << 10;
	pthread_attr_t small;
	pthread_t thread;
	char *memory;

	check(argc == 2);
	leak(argv[1][0] - '0', 100);
	if (argv[1][0] == '0')
		return 0;
	memory = mmap(NULL, below + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(memory != MAP_FAILED && mprotect(memory + below, size, PROT_READ | PROT_WRITE) == 0);
	check(pthread_attr_init(&small) == 0 && pthread_attr_setstack(&small, memory + below, size) == 0);
	check(pthread_create(&thread, &small, run, argv[1]) == 0);
	pthread_join(thread, NULL);
	return 1;
}
