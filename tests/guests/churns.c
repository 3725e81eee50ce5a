// SPDX-License-Identifier: MIT
// Says "ready", then allocates and frees from many backtraces, with a short rest after each round, until its standard
// input ends. A block of each backtrace is live all the time.
#include "guest.h"

#include <poll.h>
#include <stdbool.h>

#define PATHS 512

static void *blocks[PATHS];

static __attribute__((noinline)) void odd(int path, int bits);

/** The bits of a number choose the way down. */
static __attribute__((noinline)) void even(int path, int bits)
{
	if (bits > 1) {
		(bits & 1 ? odd : even)(path, bits >> 1);
		__asm__ volatile("");
		return;
	}
	free(blocks[path]);
	blocks[path] = malloc(16 + (size_t)path);
}

static __attribute__((noinline)) void odd(int path, int bits)
{
	even(path, bits);
	__asm__ volatile("");
}

int main(void)
{
	struct pollfd input = {.fd = 0, .events = POLLIN};
	bool said = false;

	while (poll(&input, 1, 2) == 0) {
		for (int path = 0; path < PATHS; path++)
			even(path, PATHS | path);
		if (!said)
			say("ready");
		said = true;
	}
	return 0;
}
