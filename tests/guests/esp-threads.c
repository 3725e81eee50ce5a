// SPDX-License-Identifier: MIT
// heap_trace under 16 threads, with forks, cancelled threads and dumps in between: counts stay right, nothing hangs.
// Build: -Iinclude/heaptrace
#include "esp.h"

#define THREADS 16
#define PAIRS 10000

static void *work(void *unused)
{
	for (int i = 0; i < PAIRS; i++) {
		void *p = block(16 + (size_t)(i & 255));

		if (i % 100 == 0)
			p = realloc(p, 1000);
		free(p);
	}
	return NULL;
}

static void *work_until_cancelled(void *unused)
{
	for (;;) {
		free(block(100));
		pthread_testcancel();
	}
	return NULL;
}

/* A child finds the session usable, whatever its parent's other threads were at. */
static void child(void)
{
	heap_trace_summary_t before, after;

	alarm(60);
	check(heap_trace_summary(&before) == ESP_OK);
	free(block(50));
	void *p = block(60);

	check(is_recorded(p) && heap_trace_summary(&after) == ESP_OK);
	check(after.total_allocations == before.total_allocations + 2 && after.total_frees == before.total_frees + 1);
	/* Whatever is listed can be freed: also what another thread was moving when the parent was forked. */
	for (heap_trace_record_t r; heap_trace_get(0, &r) == ESP_OK && heap_trace_get_count() > 1;) {
		size_t count = heap_trace_get_count();

		if (r.address == p)
			break;
		free(r.address);
		check(heap_trace_get_count() == count - 1);
	}
	check(is_recorded(p));
	check(after.count == before.count + 1 && heap_trace_stop() == ESP_OK && heap_trace_start(HEAP_TRACE_ALL) == ESP_OK);
	free(block(10));
	check(heap_trace_get_count() == 1 && heap_trace_stop() == ESP_OK && heap_trace_init_standalone(NULL, 0) == ESP_OK);
	_exit(0);
}

static void forks(int times)
{
	int status, good = 1;

	for (int i = 0; i < times; i++) {
		pid_t pid = fork();

		if (!pid)
			child();
		check(pid > 0 && waitpid(pid, &status, 0) == pid);
		good &= status == 0;
		if (i % 10 == 0 && !(pid = fork()))
			execl("/bin/true", "true", (char *)NULL);
		if (i % 10 == 0)
			check(waitpid(pid, &status, 0) == pid);
	}
	ok(good, "children of a process with threads can trace on");
}

int main(void)
{
	pthread_t threads[THREADS];
	int null = open("/dev/null", O_WRONLY);

	for (int i = 0; i < THREADS; i++)
		check(!pthread_create(&threads[i], NULL, work, NULL));
	for (int i = 0; i < THREADS; i++)
		check(!pthread_join(threads[i], NULL));
	is(heap_trace_init_auto(4096, HEAP_TRACE_EVICT_OLDEST), ESP_OK, "room for 4096 records");
	/* What pthread_create() keeps is there before. */
	for (int turn = 0; turn < 2; turn++) {
		check(heap_trace_start(turn ? HEAP_TRACE_ALL : HEAP_TRACE_LEAKS) == ESP_OK);
		for (int i = 0; i < THREADS; i++)
			check(!pthread_create(&threads[i], NULL, work, NULL));
		if (turn)
			check(heap_trace_dump_fd(null, 0) == ESP_OK);
		else
			forks(20);
		for (int i = 0; i < THREADS; i++)
			check(!pthread_join(threads[i], NULL));
		check(heap_trace_stop() == ESP_OK);
		heap_trace_summary_ex_t s = figures();

		ok(s.summary.total_allocations >= THREADS * PAIRS && s.summary.total_frees >= THREADS * PAIRS, "every event counts");
		if (!turn) {
			is(s.summary.count, s.summary.total_allocations + s.unmatched_frees - s.summary.total_frees, "the count is what is left");
			ok(s.missed_frees == 0 && s.evicted == 0 && s.missed_events == 0, "and no free was missed");
			int left = 0;
			heap_trace_record_t r;

			for (size_t i = 0; heap_trace_get(i, &r) == ESP_OK; i++)
				left += r.size == 1000 || (r.size >= 16 && r.size < 272 && r.alloced_by[1] && 0);
			is(left, 0, "no block of the threads is left");
		} else {
			is(s.summary.count, 4096, "in mode ALL the buffer is full");
		}
	}
	check(heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	for (int i = 0; i < THREADS; i++)
		check(!pthread_create(&threads[i], NULL, work_until_cancelled, NULL));
	usleep(20000);
	for (int i = 0; i < THREADS; i++)
		check(!pthread_cancel(threads[i]));
	for (int i = 0; i < THREADS; i++)
		check(!pthread_join(threads[i], NULL));
	void *p = block(70);

	ok(is_recorded(p), "cancelled threads leave nothing locked");
	free(p);
	is(heap_trace_stop(), ESP_OK, "stop");
	return done_testing();
}
