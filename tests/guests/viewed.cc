// SPDX-License-Identifier: MIT
// What viewers have to show: inlined functions, names with commas and spaces in them, recursion, named threads, blocks that
// are gone. The argument N: N blocks of 100 bytes from grow().
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <utility>
#include <vector>

static void *volatile kept;

inline __attribute__((always_inline)) void innermost(size_t size) { kept = malloc(size); }
inline __attribute__((always_inline)) void middle(size_t size) { innermost(size); }
__attribute__((noinline)) static void outer() { middle(77); }

template <typename Key, typename Value> struct pool {
	static void fill(size_t count) { kept = new std::pair<Key, Value>[count]; }
};

__attribute__((noinline)) static void walk(int calls)
{
	if (calls > 1)
		walk(calls - 1);
	else
		kept = malloc(10);
	kept = kept;
}

__attribute__((noinline)) static void pass()
{
	for (int i = 0; i < 3; i++)
		free(malloc(50000));
}

__attribute__((noinline)) static void grow(int count)
{
	while (count-- > 0)
		kept = malloc(100);
}

static void *work(void *argument)
{
	char name[16];

	snprintf(name, sizeof(name), "worker %d", *static_cast<int *>(argument));
	pthread_setname_np(pthread_self(), name);
	for (int i = 0; i < 10; i++)
		kept = malloc(100 * *static_cast<int *>(argument));
	return nullptr;
}

int main(int argc, char **argv)
{
	static std::vector<std::pair<int, long>> numbers;

	outer();
	pool<int, std::pair<char, long>>::fill(5);
	for (int i = 1; i < 4; i++)
		walk(i);
	pass();
	grow(argc > 1 ? atoi(argv[1]) : 0);
	for (int i = 0; i < 100; i++)
		numbers.emplace_back(i, i);
	for (int i = 1; i < 3; i++) {
		pthread_t thread;

		pthread_create(&thread, nullptr, work, &i);
		pthread_join(thread, nullptr);
	}
	return 0;
}
