// SPDX-License-Identifier: MIT
// Dumps of heap_trace for a script to look at: esp-dump SCENARIO.
// Build: -Iinclude/heaptrace
#include "esp.h"

static heap_trace_record_t recs[100];

static void begin(size_t records, heap_trace_mode_t mode)
{
	check(heap_trace_init_standalone(recs, records) == ESP_OK && heap_trace_start(mode) == ESP_OK);
}

static void in_all_shapes(void)
{
	begin(100, HEAP_TRACE_LEAKS);
	block(32);
	block(8);
	check(heap_trace_stop() == ESP_OK);
	put("--- v4\n");
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_V4);
	put("--- v5\n");
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_V5);
	put("--- symbols\n");
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_SYMBOLS);
	put("--- json\n");
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_JSON);
	put("--- top\n");
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_TOP(1));
	put("--- default\n");
	heap_trace_dump();
	check(heap_trace_dump_fd(1, HEAP_TRACE_DUMP_V4 | HEAP_TRACE_DUMP_V5) == ESP_ERR_INVALID_ARG);
	check(heap_trace_dump_fd(1, HEAP_TRACE_DUMP_JSON | HEAP_TRACE_DUMP_GROUPED) == ESP_ERR_INVALID_ARG);
	check(heap_trace_dump_fd(-1, 0) == ESP_ERR_INVALID_ARG && heap_trace_dump_fd(1000, 0) == ESP_ERR_INVALID_ARG);
	int full = open("/dev/full", O_WRONLY);

	check(full < 0 || heap_trace_dump_fd(full, 0) == ESP_FAIL);
}

static void all(void)
{
	begin(100, HEAP_TRACE_ALL);
	free(block(10));
	block(20);
	free(block(30));
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_V4);
	heap_trace_dump();
}

static void overflow(void)
{
	begin(2, HEAP_TRACE_LEAKS);
	for (int i = 0; i < 5; i++)
		block(10);
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_V4);
	heap_trace_dump();
}

static void dropped(void)
{
	check(heap_trace_init_auto(3, HEAP_TRACE_DROP_NEW) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	for (int i = 0; i < 7; i++)
		block(10);
	heap_trace_dump();
}

static void nothing(void)
{
	heap_trace_dump();
	begin(5, HEAP_TRACE_LEAKS);
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_V4);
}

static void *in_thread(void *unused)
{
	return block(100000);
}

/* The limit above which glibc maps a block rises with the first one that is freed. */
static void regions(void)
{
	pthread_t thread;

	free(block(200000));
	begin(10, HEAP_TRACE_LEAKS);
	block(336000);
	block(336000);
	check(heap_trace_alloc_pause() == ESP_OK);
	void *large = block(336000);

	free(large);
	check(!pthread_create(&thread, NULL, in_thread, NULL));
	check(!pthread_join(thread, NULL));
	check(heap_trace_resume() == ESP_OK);
	block(336000);
	check(!pthread_create(&thread, NULL, in_thread, NULL));
	check(!pthread_join(thread, NULL));
	check(heap_trace_stop() == ESP_OK);
	put("--- internal\n");
	heap_trace_dump_caps(MALLOC_CAP_INTERNAL);
	put("--- spiram\n");
	heap_trace_dump_caps(MALLOC_CAP_SPIRAM);
	put("--- both\n");
	heap_trace_dump_caps(MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM);
	put("--- none\n");
	heap_trace_dump_caps(0);
	put("--- json\n");
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_JSON);
}

static volatile int finished;

static void *busy(void *unused)
{
	while (!finished)
		free(block(100));
	return NULL;
}

/* Text before and after, and nothing of the dump itself among the records, while other threads are at work. */
static void order(void)
{
	pthread_t threads[2];
	size_t before;

	check(heap_trace_init_auto(100000, HEAP_TRACE_EVICT_OLDEST) == ESP_OK);
	setvbuf(stdout, NULL, _IOFBF, 65536);
	printf("before");
	for (int i = 0; i < 2; i++)
		check(!pthread_create(&threads[i], NULL, busy, NULL));
	check(heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	block(500);
	before = heap_trace_get_count();
	for (int i = 0; i < 5; i++) {
		printf(" %d\n", i);
		heap_trace_dump();
	}
	finished = 1;
	for (int i = 0; i < 2; i++)
		check(!pthread_join(threads[i], NULL));
	printf("after\n");
	fflush(stdout);
	/* 0, 1 or 2 blocks of the busy threads were there, and are gone now. */
	put("%s\n", before >= 1 && before <= 3 && heap_trace_get_count() == 1 ? "nothing else" : "something else");
}

__attribute__((noinline)) static void site_a(int n)
{
	while (n-- > 0)
		block(1000);
}

__attribute__((noinline)) static void site_b(int n)
{
	while (n-- > 0)
		block(10);
}

static void grown(void)
{
	begin(100, HEAP_TRACE_LEAKS);
	site_a(5);
	heap_trace_mark_t mark = heap_trace_mark();

	site_b(20);
	site_a(1);
	heap_trace_dump_since(mark);
	put("--- grouped\n");
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_GROUPED | HEAP_TRACE_DUMP_SYMBOLS | HEAP_TRACE_DUMP_TOP(1));
}

__attribute__((noinline)) static void *deep(int levels, size_t size)
{
	void *p = levels ? deep(levels - 1, size) : block(size);

	__asm__ volatile("");
	return p;
}

/* More text than goes out at a time. */
static void long_one(void)
{
	check(heap_trace_init_auto(1000, HEAP_TRACE_GROW) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	for (size_t i = 1; i <= 40000; i++)
		deep(20, i);
	check(heap_trace_stop() == ESP_OK);
	check(heap_trace_dump_fd(1, 0) == ESP_OK && heap_trace_dump_fd(2, HEAP_TRACE_DUMP_JSON) == ESP_OK);
}

static heap_trace_record_t *on_stack_of_one_that_returns(void)
{
	heap_trace_record_t own[4];

	begin(4, HEAP_TRACE_LEAKS);
	check(heap_trace_stop() == ESP_OK && heap_trace_init_standalone(own, 4) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	block(77);
	check(own[0].size == 77);
	heap_trace_record_t *volatile hidden = own;

	return hidden;
}

static void dead_buffer(void)
{
	on_stack_of_one_that_returns();
	block(88);
	check(heap_trace_get_count() == 2);
	check(heap_trace_stop() == ESP_OK);
	heap_trace_dump();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenarios[] = {{"shapes", in_all_shapes}, {"all", all}, {"overflow", overflow}, {"dropped", dropped}, {"nothing", nothing},
			 {"regions", regions}, {"order", order}, {"grown", grown}, {"long", long_one}, {"dead-buffer", dead_buffer}};

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++)
		if (argc > 1 && !strcmp(argv[1], scenarios[i].name)) {
			scenarios[i].run();
			return 0;
		}
	return 99;
}
