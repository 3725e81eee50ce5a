// SPDX-License-Identifier: MIT
// What the program hears: esp_heap_trace_alloc_hook, _free_hook, and a callback for allocations that failed.
// Build: -Iinclude/heaptrace
#include "esp.h"

#include <setjmp.h>

static heap_trace_record_t recs[64];
/* volatile: libc's functions promise the compiler that they call nothing of this file. */
static volatile int allocs, frees, failures, kept_errno = 1;
static void *volatile last;
static volatile size_t last_size, failed_size;
static const char *volatile failed_in;
static volatile int jumping;
static jmp_buf outside;

void esp_heap_trace_alloc_hook(void *ptr, size_t size, uint32_t caps)
{
	check(caps == MALLOC_CAP_DEFAULT);
	allocs++;
	last = ptr;
	last_size = size;
	if (jumping)
		longjmp(outside, 1);
	/* What a hook allocates is nobody's business, nor is its errno. */
	free(malloc(1234));
	errno = 77;
}

void esp_heap_trace_free_hook(void *ptr)
{
	frees++;
	last = ptr;
}

static void failed(size_t size, uint32_t caps, const char *name)
{
	failures++;
	failed_size = size;
	failed_in = name;
	free(malloc(99));
}

/* Out of hooks, more often than marks of who is in one have room. */
static void jump(void)
{
	int before = allocs;
	void *volatile p = NULL;

	for (volatile int i = 0; i < 200; i++) {
		jumping = 1;
		if (!setjmp(outside))
			block(5);
		jumping = 0;
		/* From further out on the stack than where the hook was called: it is known to be gone. */
		free(p);
		p = malloc(6);
	}
	is(allocs - before, 400, "hooks may jump away");
	is(figures().summary.total_allocations, 402, "each of these blocks is recorded, and what comes after");
	ok(is_recorded(p), "and what hooks allocate is still nobody's business");
}

/* The same place again, as deep in the stack as before: it can not be the hook's own doing. */
static void jump_in_place(void)
{
	int before = allocs, recorded = figures().summary.total_allocations;

	jumping = 1;
	for (volatile int i = 0; i < 200; i++)
		if (!setjmp(outside))
			block(5);
	jumping = 0;
	is(allocs - before, 200, "also where nothing comes from further out in between");
	is(figures().summary.total_allocations - recorded, 200, "and each is recorded");
}

static void on_signal(int number)
{
	free(block(11));
}

int main(void)
{
	volatile size_t huge = SIZE_MAX / 2;

	is(heap_caps_register_failed_alloc_callback(failed), ESP_OK, "a callback");
	is(heap_trace_init_standalone(recs, 64), ESP_OK, "init makes hooks known");
	errno = 5;
	void *p = block(100);

	kept_errno = errno;
	ok(allocs == 1 && last == p && last_size == 100, "an allocation is told, before any start");
	is(kept_errno, 5, "errno is as it was");
	free(p);
	ok(frees == 1 && last == p, "so is a free");
	is(heap_trace_start(HEAP_TRACE_LEAKS), ESP_OK, "start");
	p = block(200);
	is(heap_trace_get_count(), 1, "what a hook allocates is not recorded");
	is(figures().summary.total_allocations, 1, "nor counted");
	p = realloc(p, 300);
	ok(allocs == 3 && frees == 2 && last == p && last_size == 300, "a realloc is a free and an allocation");
	check(!malloc(huge));
	ok(failures == 1 && failed_size == huge && failed_in && !strcmp(failed_in, "malloc"), "a malloc that failed");
	check(!realloc(p, huge) && failures == 2 && !strcmp(failed_in, "realloc"));
	ok(is_recorded(p) && frees == 2, "a realloc that failed is no free");
	check(!calloc(huge, 4) && failures == 3 && !strcmp(failed_in, "calloc"));
	void *q;

	check(posix_memalign(&q, 64, huge) == ENOMEM);
	ok(failures == 4 && !strcmp(failed_in, "posix_memalign"), "nor is any of the others");
	is(figures().failed_allocs, 4, "and they are counted");
	is(heap_caps_register_failed_alloc_callback(NULL), ESP_OK, "no callback any more");
	check(!malloc(huge));
	is(failures, 4, "is not called");
	jump();
	jump_in_place();
	check(heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	p = block(20);
	/* Handlers that interrupt anything, and allocate. */
	signal(SIGALRM, on_signal);
	struct itimerval often = {{0, 200}, {0, 200}};

	check(!setitimer(ITIMER_REAL, &often, NULL));
	for (int i = 0; i < 100000; i++)
		free(block(20));
	memset(&often, 0, sizeof(often));
	check(!setitimer(ITIMER_REAL, &often, NULL));
	ok(heap_trace_get_count() == 1 && is_recorded(p) && figures().missed_frees == 0 && figures().missed_events == 0,
	   "handlers that allocate anywhere are recorded like everybody else");
	is(heap_trace_stop(), ESP_OK, "stop");
	return done_testing();
}
