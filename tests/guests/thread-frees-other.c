// SPDX-License-Identifier: MIT
// Main allocates 1,000 blocks of 100 bytes, a thread frees 990 of them; then the other way round with 500 of 50, all.
// Expect: counter
// Own: make 1500 125000 10 1000
#include "guest.h"

static void *blocks[1000];

static void make(int count, size_t size)
{
	for (int i = 0; i < count; i++)
		blocks[i] = malloc(size);
}

static void *run(void *unused)
{
	for (int i = 0; i < 990; i++)
		free(blocks[i]);
	make(500, 50);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	make(1000, 100);
	check(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0);
	for (int i = 0; i < 500; i++)
		free(blocks[i]);
	return 0;
}
