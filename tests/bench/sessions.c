// SPDX-License-Identifier: MIT

/*
 * What heap_trace costs: sessions, a line "mode=NAME ns_per_pair=N" for each. `threads` malloc and free pairs at once, 8
 * frames deep; then the longest wait of a thread that allocates while 100,000 records are dumped.
 */

#include "esp_heap_trace.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 100000
#define RECORDS 100000

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

__attribute__((noinline)) static void *deep(int levels)
{
	void *volatile p = levels ? deep(levels - 1) : malloc(100);

	return p;
}

static void *work(void *unused)
{
	for (int i = 0; i < PAIRS; i++)
		free(deep(8));
	return unused;
}

static double measure(int threads)
{
	pthread_t ids[64];
	double start = now();

	for (int i = 0; i < threads; i++)
		pthread_create(&ids[i], NULL, work, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	return (now() - start) / PAIRS / threads;
}

static void row(const char *name, int threads)
{
	printf("mode=%s threads=%d ns_per_pair=%.1f\n", name, threads, measure(threads));
	fflush(stdout);
}

static void traced(const char *name, int threads, size_t records, heap_trace_mode_t mode)
{
	if (heap_trace_init_auto(records, HEAP_TRACE_EVICT_OLDEST) || heap_trace_start(mode))
		exit(1);
	row(name, threads);
	heap_trace_stop();
}

static volatile int finished;
static double longest;

static void *watch(void *unused)
{
	double before = now(), after;

	while (!finished) {
		free(deep(1));
		after = now();
		if (after - before > longest)
			longest = after - before;
		before = after;
	}
	return unused;
}

static void dump(void)
{
	pthread_t thread;

	if (heap_trace_init_auto(2 * RECORDS, HEAP_TRACE_EVICT_OLDEST) || heap_trace_start(HEAP_TRACE_LEAKS))
		exit(1);
	for (int i = 0; i < RECORDS; i++)
		deep(8);
	pthread_create(&thread, NULL, watch, NULL);
	usleep(100000);
	double without = longest;

	longest = 0;
	double start = now();

	heap_trace_dump_fd(2, HEAP_TRACE_DUMP_V5);
	double took = now() - start;

	finished = 1;
	pthread_join(thread, NULL);
	printf("mode=dump records=%d ms=%.1f longest_ms=%.2f longest_before_ms=%.2f\n", RECORDS, took / 1e6, longest / 1e6, without / 1e6);
}

int main(void)
{
	row("none", 1);
	row("none", 16);
	traced("leaks-16", 1, 16, HEAP_TRACE_LEAKS);
	traced("leaks-4096", 1, 4096, HEAP_TRACE_LEAKS);
	traced("all-4096", 1, 4096, HEAP_TRACE_ALL);
	traced("leaks-16", 16, 16, HEAP_TRACE_LEAKS);
	traced("leaks-4096", 16, 4096, HEAP_TRACE_LEAKS);
	if (heap_trace_init_tohost_to("trash.trace") || heap_trace_start(HEAP_TRACE_ALL))
		exit(1);
	row("to-host", 1);
	heap_trace_stop();
	unlink("trash.trace");
	dump();
	return 0;
}
