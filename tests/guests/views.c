// SPDX-License-Identifier: MIT
// What views are about: wrappers, recursion, two modules, memory that is gone.
//	parse       3 blocks of 100 through xmalloc, a wrapper
//	lex         2 blocks of 50 through xmalloc, and 1 of 7 without it
//	walk        1 block of 10 below each of 1, 2, 3 and 4 calls of itself
//	even, odd   1 block of 20 below 1, 3 and 5 calls of each other
//	passing     1 block of 5,000, freed: it is the peak
//	text        1 block of 6 that libc allocates, live from the start
// Expect: allocations=15 frees=1 bytes=5513 live_blocks=14 live_bytes=513 peak_blocks=15 peak_bytes=5513
// Own: parse 3 300 3 300
// Own: lex 3 107 3 107
// Own: walk 4 40 4 40
// Own: even 3 60 3 60
// Own: passing 1 5000 0 0
// Own: text 1 6 1 6
#include "guest.h"

static void *xmalloc(size_t size)
{
	void *block = malloc(size);

	if (!block)
		abort();
	return block;
}

static volatile int twice = 2, thrice = 3, deepest = 5; /* so that no loop is unrolled: one call is one place */
static void *kept;
static void keep(void *block) { kept = block; }

static void text(void) { keep(strdup("hello")); }

static void parse(void)
{
	for (int i = 0; i < thrice; i++)
		keep(xmalloc(100));
}

static void lex(void)
{
	for (int i = 0; i < twice; i++)
		keep(xmalloc(50));
	keep(malloc(7));
}

static void walk(int calls)
{
	if (calls > 1)
		walk(calls - 1);
	else
		keep(xmalloc(10));
	keep(kept);
}

static void odd(int calls);
static void even(int calls)
{
	if (calls > 1)
		odd(calls - 1);
	else
		keep(xmalloc(20));
	keep(kept);
}

static void odd(int calls)
{
	even(calls - 1);
	keep(kept);
}

static void passing(void) { use(1, 5000); }

int main(void)
{
	text();
	parse();
	lex();
	for (int i = 1; i < deepest; i++)
		walk(i);
	for (int i = 1; i <= deepest; i += 2)
		even(i);
	passing();
	return 0;
}
