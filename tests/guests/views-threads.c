// SPDX-License-Identifier: MIT
// Threads with names, one after the other: the first thread 1 block of 5, "reader" 2 of 100, "writer-1" and "writer-2" 3 of
// 10 each through the same function, and a thread without a name of its own 1 of 7. (What the threads themselves need is
// libc's and not in `work`.)
// Expect: counter
// Own: work 10 272 10 272
// Options: --by-thread
#include "guest.h"

static void work(int count, size_t size) { leak(count, size); }

static void *reader(void *unused)
{
	pthread_setname_np(pthread_self(), "reader");
	work(2, 100);
	return unused;
}

static void *writer(void *name)
{
	pthread_setname_np(pthread_self(), name);
	work(3, 10);
	return NULL;
}

static void *nameless(void *unused)
{
	work(1, 7);
	return unused;
}

static void run(void *(*start)(void *), void *argument)
{
	pthread_t thread;

	check(pthread_create(&thread, NULL, start, argument) == 0);
	check(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	static char first[] = "writer-1", second[] = "writer-2";

	work(1, 5);
	run(reader, NULL);
	run(writer, first);
	run(writer, second);
	run(nameless, NULL);
	return 0;
}
