// SPDX-License-Identifier: MIT
// Host-based tracing: esp-tohost SCENARIO [PATH].
// Build: -Iinclude/heaptrace
#include "esp.h"

static const char *path;

static void begin(void)
{
	check(heap_trace_init_tohost_to(path) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
}

/* The sample of the documentation: four blocks are left, of 14 events. */
static void sample(void)
{
	begin();
	for (size_t i = 1; i <= 4; i++)
		block(i);
	for (int i = 0; i < 5; i++)
		free(block(100));
	is(heap_trace_stop(), ESP_OK, "stop");
}

static void states(void)
{
	heap_trace_record_t r;
	heap_trace_summary_t s;

	is(heap_trace_init_tohost_to("/nonexistent/x"), ESP_FAIL, "a place that can not be opened");
	is(heap_trace_start(HEAP_TRACE_LEAKS), ESP_ERR_INVALID_STATE, "is none");
	is(heap_trace_init_tohost_to(path), ESP_OK, "init");
	is(heap_trace_start(HEAP_TRACE_LEAKS), ESP_OK, "start, with nobody reading");
	is(heap_trace_init_tohost(), ESP_ERR_INVALID_STATE, "init while it runs");
	block(10);
	is(heap_trace_get_count(), 0, "there is nothing to count here");
	is(heap_trace_get(0, &r), ESP_ERR_NOT_SUPPORTED, "nor to get");
	is(heap_trace_summary(&s), ESP_ERR_NOT_SUPPORTED, "nor to sum up");
	heap_trace_dump();
	is(heap_trace_stop(), ESP_OK, "stop");
	is(heap_trace_stop(), ESP_ERR_INVALID_STATE, "stop twice");
	is(heap_trace_resume(), ESP_OK, "resume");
	block(20);
	is(heap_trace_stop(), ESP_OK, "stop again");
	is(heap_trace_init_standalone(NULL, 0), ESP_OK, "the end");
	done_testing();
}

static void clean(void)
{
	begin();
	free(realloc(block(100), 100000));
	volatile size_t huge = SIZE_MAX / 2;
	void *p = block(10);

	check(!realloc(p, huge));
	free(p);
	is(heap_trace_stop(), ESP_OK, "stop");
}

/* A free in the middle of a block: the allocator ends the program, but the trace has it. */
static void wrong_free(void)
{
	static const struct rlimit no_core;

	check(!setrlimit(RLIMIT_CORE, &no_core));
	begin();
	char *volatile p = block(1000);

	free(p + 16);
}

static void *in_thread(void *unused)
{
	check(!pthread_setname_np(pthread_self(), "worker"));
	return block(7);
}

static void many(void)
{
	pthread_t thread;

	begin();
	for (int i = 0; i < 30000; i++)
		free(block(10 + (size_t)i % 100));
	check(heap_trace_alloc_pause() == ESP_OK && !pthread_create(&thread, NULL, in_thread, NULL) && !pthread_join(thread, NULL));
	check(heap_trace_resume() == ESP_OK && !pthread_create(&thread, NULL, in_thread, NULL) && !pthread_join(thread, NULL));
	check(heap_trace_stop() == ESP_OK);
}

static void killed(void)
{
	begin();
	block(33);
	block(44);
	raise(SIGKILL);
}

static void exits(void)
{
	begin();
	block(33);
}

/* The program closes all that it did not open, and its own file gets the number: nothing of the trace is in it. */
static void closes(void)
{
	char data[64] = "";

	begin();
	block(11);
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	for (int fd = open("own", O_RDWR | O_CREAT | O_TRUNC, 0600); fd >= 0 && fd < 300;)
		fd = dup(fd);
	for (int i = 0; i < 100; i++)
		block(22);
	check(heap_trace_stop() == ESP_OK);
	int fd = open("own", O_RDONLY);

	is(read(fd, data, sizeof(data)), 0, "nothing is written to the program's own file");
}

static void forks(void)
{
	int status;

	begin();
	block(100);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (!pid) {
			if (i)
				block(200);
			_exit(0);
		}
		check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
		put("child %d %d\n", i, (int)pid);
	}
	block(300);
	check(heap_trace_stop() == ESP_OK);
}

static void full(void)
{
	struct rlimit limit = {100000, RLIM_INFINITY};

	check(!setrlimit(RLIMIT_FSIZE, &limit));
	is(heap_trace_init_tohost_to(path), ESP_FAIL, "a file that may not be as large");
	limit.rlim_cur = 300000;
	check(!setrlimit(RLIMIT_FSIZE, &limit));
	begin();
	for (int i = 0; i < 5000; i++)
		free(block(50));
	is(heap_trace_stop(), ESP_OK, "stop");
	done_testing();
}

/* A FIFO that nobody reads takes what fits; the rest is lost, and nobody waits. */
static void fifo(void)
{
	char c;

	begin();
	for (int i = 0; i < 20000; i++)
		free(block(50));
	put("ready\n");
	check(read(0, &c, 1) == 1);
	block(60);
	check(heap_trace_stop() == ESP_OK);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenarios[] = {{"sample", sample}, {"states", states}, {"clean", clean}, {"wrong-free", wrong_free}, {"many", many},
			 {"killed", killed}, {"exits", exits}, {"closes", closes}, {"forks", forks}, {"full", full}, {"fifo", fifo}};

	path = argc > 2 ? argv[2] : NULL;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		if (argc > 1 && !strcmp(argv[1], scenarios[i].name)) {
			scenarios[i].run();
			return 0;
		}
	return 99;
}
