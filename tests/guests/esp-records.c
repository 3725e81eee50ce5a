// SPDX-License-Identifier: MIT
// What heap_trace records: each entry point, frees, reallocs, overflow, pauses and gaps.
// Build: -Iinclude/heaptrace
#include "esp.h"

static heap_trace_record_t recs[64];

static void begin(size_t records, heap_trace_mode_t mode)
{
	check(heap_trace_init_standalone(recs, records) == ESP_OK && heap_trace_start(mode) == ESP_OK);
}

static void end(void)
{
	check(heap_trace_stop() == ESP_OK);
}

static void leaks(void)
{
	heap_trace_record_t r;

	begin(8, HEAP_TRACE_LEAKS);
	void *a = block(64), *b = block(96);

	is(heap_trace_get_count(), 2, "two blocks");
	check(heap_trace_get(0, &r) == ESP_OK);
	ok(r.address == a && r.size == 64 && !r.freed, "the older one first");
	check(heap_trace_get(1, &r) == ESP_OK);
	ok(r.address == b && r.size == 96, "then the younger one");
	ok(recs[0].address == a && recs[1].address == b, "and so they lie in the buffer");
	free(a);
	is(heap_trace_get_count(), 1, "one is freed");
	check(heap_trace_get(0, &r) == ESP_OK);
	ok(r.address == b, "the other one is the first now");
	ok(!recs[0].address && !recs[0].size && recs[1].address == b, "the freed one's slot is empty, the other one's is not");
	void *c = block(7);

	ok(recs[0].address == c, "an empty slot is filled next");
	check(heap_trace_get(1, &r) == ESP_OK);
	ok(r.address == c, "yet the record is the youngest");
	end();
}

static void wrapped(void)
{
	void *p[9], *late;

	begin(8, HEAP_TRACE_LEAKS);
	for (size_t i = 0; i < 9; i++)
		p[i] = block((i + 1) * 3);
	ok(is_recorded(p[8]) && !is_recorded(p[0]), "the oldest record makes room");
	ok(figures().summary.has_overflowed && figures().summary.total_allocations == 9 && figures().evicted == 1, "and that is said");
	for (size_t i = 0; i < 9; i++)
		free(p[i]);
	late = block(40);
	is(heap_trace_get_count(), 1, "none of them is listed when all are freed");
	ok(is_recorded(late), "a further block is");
	end();
}

static void summary(void)
{
	void *p[3];

	begin(2, HEAP_TRACE_ALL);
	for (int i = 0; i < 3; i++)
		p[i] = block(16);
	heap_trace_summary_t s = figures().summary;

	ok(s.count == 2 && s.capacity == 2 && s.total_allocations == 3 && s.has_overflowed && s.mode == HEAP_TRACE_ALL,
	   "the summary of an overflow");
	for (int i = 0; i < 3; i++)
		free(p[i]);
	is(figures().summary.total_frees, 3, "each free counts, also of what was evicted");
	is(heap_trace_summary(NULL), ESP_ERR_INVALID_ARG, "a summary for nobody");
	end();
}

static void paused(void)
{
	static const int expected[] = {2, 1, 1, 1, 0, 1};
	int counts[6], n = 0;

	begin(2, HEAP_TRACE_LEAKS);
	void *a = block(8), *b = block(8);

	counts[n++] = (int)heap_trace_get_count();
	free(a);
	counts[n++] = (int)heap_trace_get_count();
	check(heap_trace_alloc_pause() == ESP_OK);
	void *c = block(8);

	counts[n++] = (int)heap_trace_get_count();
	free(c);
	counts[n++] = (int)heap_trace_get_count();
	free(b);
	counts[n++] = (int)heap_trace_get_count();
	check(heap_trace_resume() == ESP_OK);
	block(8);
	counts[n++] = (int)heap_trace_get_count();
	ok(!memcmp(counts, expected, sizeof(expected)), "a pause records frees and no allocations");
	is(figures().summary.total_frees, 3, "the pause's frees count");
	is(figures().summary.total_allocations, 3, "its allocation does not");
	end();
}

static void unknown_frees(void)
{
	void *p[3];

	for (int i = 0; i < 3; i++)
		p[i] = block(24);
	begin(8, HEAP_TRACE_LEAKS);
	free(p[0]);
	free(NULL);
	ok(figures().summary.total_frees == 1 && figures().unmatched_frees == 1, "a free of an older block, without records");
	void *own = block(24);

	free(p[1]);
	free(p[2]);
	ok(figures().summary.total_frees == 3 && figures().unmatched_frees == 3 && heap_trace_get_count() == 1 && is_recorded(own),
	   "and beside a record, which stays");
	end();
}

__attribute__((noinline)) static void free_here(void *p)
{
	free(p);
	__asm__ volatile("");
}

static void reuse(void)
{
	heap_trace_record_t first, second;

	begin(8, HEAP_TRACE_ALL);
	void *a = block(40);

	free(a);
	void *b = block(40);

	free_here(b);
	ok(a == b, "the allocator gives the same address again");
	is(heap_trace_get_count(), 2, "two records");
	check(heap_trace_get(0, &first) == ESP_OK && heap_trace_get(1, &second) == ESP_OK);
	ok(first.freed && second.freed, "both are freed");
	ok(first.freed_by[0] && second.freed_by[0] && first.freed_by[0] != second.freed_by[0], "each by its own caller");
	ok(first.alloced_by[1] != second.alloced_by[1], "and each has its own allocation");
	is(figures().bytes_live, 0, "nothing is alive");
	end();
	int pipes[2];
	char dump[8192];

	check(!pipe(pipes) && heap_trace_dump_fd(pipes[1], 0) == ESP_OK && !close(pipes[1]));
	dump[read(pipes[0], dump, sizeof(dump) - 1)] = 0;
	ok(strstr(dump, "\n0 bytes alive in trace (0/2 allocations)\n"), "nor in the dump");
	close(pipes[0]);
}

static void reallocs(void)
{
	static const size_t sizes[] = {5000, 4000, 200000, 100};
	heap_trace_record_t r;
	volatile size_t huge = SIZE_MAX / 2;

	for (int i = 0; i < 4; i++) {
		begin(8, HEAP_TRACE_LEAKS);
		void *p = block(2000), *q = realloc(p, sizes[i]);

		check(q && heap_trace_get_count() == 1 && heap_trace_get(0, &r) == ESP_OK);
		ok(r.address == q && r.size == sizes[i] && figures().summary.total_allocations == 2 && figures().summary.total_frees == 1,
		   "a realloc is one free and one allocation, and one record is left");
		check(!realloc(q, huge));
		check(heap_trace_get_count() == 1 && heap_trace_get(0, &r) == ESP_OK);
		ok(r.address == q && r.size == sizes[i], "a realloc that fails leaves the record as it is");
		ok(figures().summary.total_frees == 1 && figures().failed_allocs == 1, "and counts as a failure");
		check(!realloc(q, 0));
		is(heap_trace_get_count(), 0, "realloc(p, 0) is a free");
		q = realloc(NULL, 10);
		check(heap_trace_get_count() == 1 && heap_trace_get(0, &r) == ESP_OK);
		ok(r.address == q && r.size == 10, "realloc(NULL, n) is an allocation");
		q = reallocarray(q, 3, 7);
		check(heap_trace_get_count() == 1 && heap_trace_get(0, &r) == ESP_OK);
		ok(r.address == q && r.size == 21, "so is reallocarray");
		end();
	}
	begin(8, HEAP_TRACE_ALL);
	free(realloc(block(10), 1000000));
	is(heap_trace_get_count(), 2, "in mode ALL both stay");
	check(heap_trace_get(0, &r) == ESP_OK);
	ok(r.freed && r.size == 10 && r.freed_by[0], "the old one freed by realloc's caller");
	end();
}

/* What the summary says besides counts. */
static void sums(void)
{
	void *p[4];

	begin(4, HEAP_TRACE_ALL);
	for (int i = 0; i < 4; i++)
		p[i] = block(100);
	free(p[0]);
	block(1000);
	ok(figures().bytes_live == 1300 && figures().bytes_peak == 1300 && figures().evicted == 1, "a record of a freed block goes");
	block(5);
	ok(figures().bytes_live == 1205 && figures().bytes_peak == 1300 && figures().evicted == 2, "one of a live block takes its bytes along");
	free(p[2]);
	ok(figures().bytes_live == 1105 && figures().bytes_peak == 1300, "a free takes its own");
	end();
	begin(8, HEAP_TRACE_LEAKS);
	for (int i = 0; i < 4; i++)
		p[i] = block(10);
	for (int i = 0; i < 3; i++)
		free(p[i]);
	block(7);
	ok(figures().summary.high_water_mark == 4 && figures().summary.count == 2, "the most records at a time");
	ok(figures().bytes_peak == 40 && figures().bytes_live == 17, "and the most bytes");
	end();
	free(p[3]);
	check(heap_trace_resume() == ESP_OK);
	ok(figures().bytes_live == 7 && figures().stop_gap_frees == 1, "what was freed in a gap is not alive");
	end();
}

extern void __libc_free(void *p);

/* A free that goes past us: the address comes again. */
static void missed(void)
{
	for (int mode = 0; mode < 2; mode++) {
		heap_trace_record_t r;

		begin(8, mode ? HEAP_TRACE_ALL : HEAP_TRACE_LEAKS);
		void *a = block(48);

		__libc_free(a);
		void *b = block(44);

		check(a == b);
		ok(figures().missed_frees == 1 && figures().bytes_live == 44 && figures().summary.total_frees == 0, "a free that was missed");
		is(heap_trace_get_count(), mode ? 2 : 1, "ends the older record");
		check(heap_trace_get((size_t)mode, &r) == ESP_OK);
		ok(r.address == b && r.size == 44 && !r.freed, "the younger one lives");
		free(b);
		ok(figures().bytes_live == 0 && !is_recorded(b), "until it is freed");
		end();
	}
}

static void entries(void)
{
	heap_trace_record_t r;
	volatile size_t half = SIZE_MAX / 2;
	void *p;

#define ONE(expression, bytes, name)                                                                     \
	do {                                                                                             \
		begin(8, HEAP_TRACE_LEAKS);                                                              \
		p = (expression);                                                                        \
		is(heap_trace_get_count(), 1, name);                                                     \
		check(heap_trace_get(0, &r) == ESP_OK && r.address == p && r.size == (size_t)(bytes));   \
		free(p);                                                                                 \
		check(heap_trace_get_count() == 0);                                                      \
		end();                                                                                   \
	} while (0)

	ONE(malloc(17), 17, "malloc");
	ONE(malloc(0), 0, "malloc(0)");
	ONE(calloc(3, 16), 48, "calloc");
	ONE(memalign(64, 33), 33, "memalign");
	ONE(aligned_alloc(64, 128), 128, "aligned_alloc");
	ONE(posix_memalign(&p, 256, 77) ? NULL : p, 77, "posix_memalign");
	ONE(valloc(10), 10, "valloc");
	ONE(pvalloc(10), 10, "pvalloc");
	ONE(strdup("hello"), 6, "strdup, inside of libc");
	static const char text[] = "a line that is read\n";
	FILE *file = fmemopen((void *)text, sizeof(text) - 1, "r");
	char *line = NULL;
	size_t room = 0;

	check(file && fgetc(file) == 'a');
	begin(8, HEAP_TRACE_LEAKS);
	check(getline(&line, &room, file) > 0);
	is(heap_trace_get_count(), 1, "getline, inside of libc");
	check(heap_trace_get(0, &r) == ESP_OK && r.address == line);
	end();
	fclose(file);
	free(line);
	begin(8, HEAP_TRACE_LEAKS);
	p = calloc(half, 16);
	ok(!p && heap_trace_get_count() == 0, "a calloc that overflows is none");
	p = malloc(half);
	ok(!p && heap_trace_get_count() == 0 && figures().failed_allocs == 2, "nor is a malloc that fails");
	end();
}

static void gap(void)
{
	begin(8, HEAP_TRACE_LEAKS);
	void *a = block(56), *b = block(1000);

	end();
	free(a);
	void *again = block(56);

	ok(a == again && is_recorded(a) && heap_trace_get_count() == 2, "what is freed while tracing is stopped stays listed");
	check(heap_trace_resume() == ESP_OK);
	ok(!is_recorded(a) && is_recorded(b) && heap_trace_get_count() == 1, "until it goes on");
	is(figures().stop_gap_frees, 1, "which is counted");
	ok(!recs[0].address && recs[1].address == b, "in the buffer too");
	free(again);
	ok(heap_trace_get_count() == 1 && is_recorded(b), "a free of the address is no longer the record's");
	b = realloc(b, 2000);
	end();
	b = realloc(b, 300000);
	check(heap_trace_resume() == ESP_OK);
	is(heap_trace_get_count(), 0, "a realloc in the gap is a free");
	end();
}

static void policies(void)
{
	void *p[100];

	check(heap_trace_init_auto(4, HEAP_TRACE_DROP_NEW) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	for (int i = 0; i < 6; i++)
		p[i] = block(10);
	ok(is_recorded(p[0]) && !is_recorded(p[4]) && figures().dropped == 2 && figures().summary.has_overflowed, "dropping new ones");
	end();
	check(heap_trace_init_auto(4, HEAP_TRACE_GROW) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	for (int i = 0; i < 100; i++)
		p[i] = block(10);
	ok(heap_trace_get_count() == 100 && figures().summary.capacity >= 100 && !figures().summary.has_overflowed, "growing");
	for (int i = 0; i < 100; i += 2)
		free(p[i]);
	ok(heap_trace_get_count() == 50 && is_recorded(p[99]) && !is_recorded(p[98]), "and found again after that");
	is(heap_trace_init_auto(4, HEAP_TRACE_GROW), ESP_ERR_INVALID_STATE, "no change while it runs");
	end();
	is(heap_trace_init_auto(0, HEAP_TRACE_GROW), ESP_ERR_INVALID_ARG, "no records");
	is(heap_trace_init_auto(1, (heap_trace_policy_t)9), ESP_ERR_INVALID_ARG, "no such policy");
	is(heap_trace_init_auto((size_t)1 << 40, HEAP_TRACE_EVICT_OLDEST), ESP_ERR_NO_MEM, "too many records");
}

int main(void)
{
	leaks();
	wrapped();
	summary();
	paused();
	unknown_frees();
	reuse();
	reallocs();
	sums();
	missed();
	entries();
	gap();
	policies();
	return done_testing();
}
