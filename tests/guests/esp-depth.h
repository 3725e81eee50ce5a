// SPDX-License-Identifier: MIT
// Programs of several depths against one library: each sees its own, and nothing is written behind the records.
#include "esp.h"

#include <execinfo.h>

#define DEPTH CONFIG_HEAP_TRACING_STACK_DEPTH

static struct {
	heap_trace_record_t recs[4];
	unsigned char canary[256];
} memory;

static int filled(void *const *frames)
{
	int n = 0;

	while (n < DEPTH && frames[n])
		n++;
	return n;
}

static void *stack[64];
static int stack_depth;

/* The stack as libgcc sees it, and a block. */
__attribute__((noinline)) static void *here_and_now(void)
{
	stack_depth = backtrace(stack, 64);
	void *volatile p = malloc(13);

	return p;
}

static int compare_with_stack(const void *a, const void *b)
{
	heap_trace_record_t r;
	int differ = 0;

	*(void **)a = here_and_now();
	check(heap_trace_get(heap_trace_get_count() - 1, &r) == ESP_OK && r.address == *(void **)a);
	for (int i = 1; i < DEPTH && i < stack_depth; i++)
		differ += r.alloced_by[i] != stack[i];
	is(differ, 0, "the frames are those of the stack, through libc too");
	is(filled(r.alloced_by), stack_depth < DEPTH ? stack_depth : DEPTH, "and as many");
	return 0;
}

__attribute__((noinline)) static void *deep(int levels)
{
	void *p = levels ? deep(levels - 1) : block(12);

	__asm__ volatile("");
	return p;
}

int main(void)
{
	heap_trace_record_t r[2];

	memset(memory.canary, 0xa5, sizeof(memory.canary));
	memset(r, 0xa5, sizeof(r));
	check(heap_trace_init_standalone(memory.recs, 4) == ESP_OK && heap_trace_start(HEAP_TRACE_ALL) == ESP_OK);
	for (int i = 0; i < 10; i++)
		free(deep(40));
	void *p = deep(40);

	is(heap_trace_get_count(), 4, "records");
	is(heap_trace_get(3, &r[0]), ESP_OK, "get");
	ok(r[0].address == p && r[0].size == 12, "the right one");
	is(filled(r[0].alloced_by), DEPTH, "with all the frames that there is room for");
	is(filled(r[0].freed_by), 0, "none of a free that was none");
	ok(((unsigned char *)&r[1])[0] == 0xa5, "nothing is written behind it");
	check(heap_trace_get(2, &r[0]) == ESP_OK);
	ok(r[0].freed && (DEPTH == 0 || r[0].freed_by[0]), "a freed one");
	for (int i = 0; i < 4; i++)
		if (memory.recs[i].address == p)
			ok(memory.recs[i].size == 12 && filled(memory.recs[i].alloced_by) == DEPTH, "the same in the buffer");
	int whole = 1;

	for (size_t i = 0; i < sizeof(memory.canary); i++)
		whole &= memory.canary[i] == 0xa5;
	ok(whole, "nothing is written behind the buffer");
	/* The first backtrace() loads a library; qsort() calls back, out of libc. */
	void *pair[2] = {0};

	here_and_now();
	check(heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	qsort(pair, 2, sizeof(*pair), compare_with_stack);
	check(heap_trace_start(HEAP_TRACE_ALL) == ESP_OK);
	for (int i = 0; i < 10; i++)
		free(deep(40));
	deep(40);
	check(heap_trace_stop() == ESP_OK);
	put("1..%d\n", tap_number);
	/* What follows is for the script to look at. */
	heap_trace_dump();
	heap_trace_dump_fd(1, HEAP_TRACE_DUMP_V4);
	return 0;
}
