// SPDX-License-Identifier: MIT
// 100 temporary blocks of 24 bytes; 50 of 100 bytes that are not temporary, for one of 5,000 that stays comes in between;
// 50 of 100 bytes that are; one that grows by realloc from 8 to 80, 800, 8,000 and 80,000 bytes and is freed as the last.
// Expect: allocations=255 frees=205 bytes=351288 live_blocks=50 live_bytes=250000
#include "guest.h"

static void *kept[50];

static __attribute__((noinline)) void temporary(void)
{
	for (int i = 0; i < 100; i++)
		free(malloc(24));
}

static __attribute__((noinline)) void in_between(void)
{
	for (int i = 0; i < 50; i++) {
		void *block = malloc(100);

		kept[i] = malloc(5000);
		free(block);
		free(realloc(NULL, 100)); /* no realloc of a block: an allocation, and temporary */
	}
}

static __attribute__((noinline)) void grow(void)
{
	char *block = malloc(8);

	for (int size = 80; size <= 80000; size *= 10) {
		/* Something behind it, so that it can not grow where it lies. */
		block = realloc(block, (size_t)size);
		block[0] = 1;
	}
	free(block);
}

int main(void)
{
	temporary();
	in_between();
	grow();
	return 0;
}
