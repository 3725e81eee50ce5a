// SPDX-License-Identifier: MIT

/*
 * Stacks that are hard to follow, with allocations on them: exceptions, longjmp, signal handlers (also on a stack of
 * their own), alloca, variable-length arrays, realigned frames, coroutines, callbacks from libc, threads, recursion.
 * The checking build compares each backtrace with libunwind's. Prints "done" at the end.
 */

#include <alloca.h>
#include <csetjmp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <ucontext.h>
#include <vector>

#define NOINLINE __attribute__((noinline))

static void *volatile sink;

NOINLINE static void touch(size_t size)
{
	void *p = malloc(size + 1);

	sink = p;
	free(p);
}

NOINLINE static int with_alloca(unsigned n)
{
	char *p = (char *)alloca(n * 16 + 16);

	memset(p, 1, n * 16 + 16);
	touch(n);
	return p[n];
}

NOINLINE static int with_array(unsigned n)
{
	volatile char room[n * 24 + 8];

	room[n] = 3;
	touch(n);
	return room[n] + with_alloca(n);
}

NOINLINE static long realigned(unsigned n)
{
	alignas(64) volatile long wide[8] = {(long)n};

	touch(n);
	wide[1] = with_array(n & 7);
	return wide[0] + wide[1];
}

NOINLINE static long realigned_with_alloca(unsigned n)
{
	alignas(32) volatile long wide[4] = {(long)n};
	char *p = (char *)alloca(n + 32);

	memset(p, 2, n + 32);
	touch(n);
	return wide[0] + p[n] + realigned(n & 3);
}

NOINLINE static void throw_from(unsigned depth)
{
	std::string text(depth % 40 + 1, 'x');

	if (depth == 0)
		throw std::runtime_error("from " + text);
	throw_from(depth - 1);
	touch(text.size());
}

static void exceptions(unsigned n)
{
	try {
		throw_from(n % 20);
	} catch (const std::exception &e) {
		touch(strlen(e.what()));
	}
}

static jmp_buf jump;

NOINLINE static void leap(unsigned n)
{
	touch(n);
	if (n == 0)
		longjmp(jump, 1);
	leap(n - 1);
}

static void jumps(unsigned n)
{
	if (setjmp(jump) == 0)
		leap(n % 30);
	touch(n);
}

static int compare(const void *a, const void *b)
{
	touch(8);
	return *(const int *)a - *(const int *)b;
}

static void callbacks(unsigned n)
{
	int values[40];

	for (int i = 0; i < 40; i++)
		values[i] = (int)((i * 7919u + n) % 101);
	qsort(values, 40, sizeof(*values), compare);
}

static void handler(int)
{
	touch(24);
	with_alloca(3);
}

static sigjmp_buf back;

static void jumping_handler(int)
{
	touch(40);
	siglongjmp(back, 1);
}

NOINLINE static void raising(unsigned n)
{
	if (n)
		raising(n - 1);
	else
		raise(SIGUSR1);
	touch(n);
}

static void signals(unsigned n)
{
	raising(n % 5);
	raise(SIGHUP); /* on its own stack */
	if (sigsetjmp(back, 1) == 0)
		raise(SIGALRM);
	touch(n);
}

NOINLINE static unsigned recurse(unsigned n)
{
	if (n % 10 == 0)
		touch(n);
	return n ? recurse(n - 1) + 1 : 0;
}

static ucontext_t main_context, other_context;
static char other_stack[128 << 10];

static void coroutine()
{
	for (;;) {
		touch(33);
		with_alloca(5);
		swapcontext(&other_context, &main_context);
	}
}

static void coroutines()
{
	touch(7);
	swapcontext(&main_context, &other_context);
	touch(9);
}

static void containers(unsigned n)
{
	std::map<std::string, std::vector<int>> map;

	for (unsigned i = 0; i < 10; i++)
		map["key " + std::to_string((n * 31 + i) % 17)].push_back((int)i);
}

static void round(unsigned n)
{
	with_array(n % 9);
	realigned(n);
	realigned_with_alloca(n % 50);
	exceptions(n);
	callbacks(n);
	recurse(n % 60);
	containers(n);
}

static void *thread(void *arg)
{
	for (unsigned i = 0; i < 40; i++)
		round(i + (unsigned)(size_t)arg);
	return NULL;
}

static void install()
{
	static char stack[64 << 10];
	stack_t alternative = {};
	struct sigaction action = {};

	alternative.ss_sp = stack;
	alternative.ss_size = sizeof(stack);
	sigaltstack(&alternative, NULL);
	action.sa_handler = handler;
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGHUP, &action, NULL);
	action.sa_flags = 0;
	action.sa_handler = jumping_handler;
	sigaction(SIGALRM, &action, NULL);
	getcontext(&other_context);
	other_context.uc_stack.ss_sp = other_stack;
	other_context.uc_stack.ss_size = sizeof(other_stack);
	makecontext(&other_context, coroutine, 0);
}

int main()
{
	pthread_t threads[4];

	install();
	for (unsigned i = 0; i < 60; i++) {
		round(i);
		jumps(i);
		signals(i);
		coroutines();
	}
	recurse(3000);
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, thread, (void *)(i * 100));
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	puts("done");
	return 0;
}
