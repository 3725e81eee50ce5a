// SPDX-License-Identifier: MIT
// What most guests need. Guests do not use stdio, so that every block in their counts is one that they show.

#ifndef HEAPTRACE_TESTS_GUEST_H
#define HEAPTRACE_TESTS_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/** Write a line. */
__attribute__((unused)) static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0 || write(1, "\n", 1) < 0)
		_exit(98);
}

#define STRING_(x) #x
#define STRING(x) STRING_(x)
/** The guest's own promise, or it says where it was broken and dies with 99. */
#define check(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			static const char said[] = __FILE__ ":" STRING(__LINE__) ": " #condition "\n"; \
			if (write(2, said, sizeof(said) - 1) < 0)                                 \
				_exit(98);                                                        \
			_exit(99);                                                                \
		}                                                                                 \
	} while (0)

/** `count` blocks of `size` bytes that nobody frees. */
__attribute__((noinline, unused)) static void leak(int count, size_t size)
{
	while (count-- > 0)
		check(malloc(size));
}

/** `count` blocks of `size` bytes, allocated and freed. */
__attribute__((noinline, unused)) static void use(int count, size_t size)
{
	while (count-- > 0)
		free(malloc(size));
}

#endif
