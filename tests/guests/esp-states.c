// SPDX-License-Identifier: MIT
// heap_trace's states: each function in each of them, the codes, and that none of it crashes.
// Build: -Iinclude/heaptrace
#include "esp.h"

static heap_trace_record_t recs[8], small[2];

static void without_buffer(void)
{
	is(heap_trace_start(HEAP_TRACE_ALL), ESP_ERR_INVALID_STATE, "start without a buffer");
	is(heap_trace_stop(), ESP_ERR_INVALID_STATE, "stop without a buffer");
	is(heap_trace_resume(), ESP_ERR_INVALID_STATE, "resume without a buffer");
	is(heap_trace_alloc_pause(), ESP_ERR_INVALID_STATE, "pause without a buffer");
	free(block(10));
	is(heap_trace_get_count(), 0, "nothing is recorded then");
	heap_trace_record_t r;

	is(heap_trace_get(0, &r), ESP_ERR_INVALID_STATE, "get without a buffer");
	is(heap_trace_init_standalone(NULL, 0), ESP_OK, "giving back what was never given");
	is(heap_trace_init_standalone(NULL, 5), ESP_ERR_INVALID_ARG, "a length without a buffer");
	is(heap_trace_init_standalone(recs, 0), ESP_ERR_INVALID_ARG, "a buffer without a length");
	is(heap_trace_init_standalone(recs, SIZE_MAX / 2), ESP_ERR_NO_MEM, "a length that can not be");
}

static void init(void)
{
	is(heap_trace_init_standalone(recs, 8), ESP_OK, "init");
	is(heap_trace_init_standalone(recs, 8), ESP_OK, "init again before the start");
	is(heap_trace_stop(), ESP_ERR_INVALID_STATE, "stop before any start");
	is(heap_trace_start((heap_trace_mode_t)7), ESP_ERR_INVALID_ARG, "no such mode");
	is(heap_trace_start(HEAP_TRACE_LEAKS), ESP_OK, "start");
	is(heap_trace_init_standalone(recs, 8), ESP_ERR_INVALID_STATE, "init while it runs");
	is(heap_trace_init_standalone(NULL, 0), ESP_ERR_INVALID_STATE, "nor can the buffer be taken away");
	is(heap_trace_alloc_pause(), ESP_OK, "pause");
	is(heap_trace_init_standalone(recs, 8), ESP_ERR_INVALID_STATE, "init while it is paused");
	is(heap_trace_alloc_pause(), ESP_ERR_INVALID_STATE, "pause twice");
	is(heap_trace_stop(), ESP_OK, "stop while paused");
	is(heap_trace_alloc_pause(), ESP_ERR_INVALID_STATE, "pause while stopped");
	is(heap_trace_init_standalone(recs, 8), ESP_OK, "init after the stop");
}

static void resume(void)
{
	heap_trace_summary_t s;

	is(heap_trace_resume(), ESP_OK, "resume without a start");
	is(heap_trace_summary(&s), ESP_OK, "summary");
	is(s.mode, HEAP_TRACE_ALL, "that is mode ALL");
	void *p = block(20);

	is(heap_trace_get_count(), 1, "and records");
	is(heap_trace_resume(), ESP_ERR_INVALID_STATE, "resume while it runs");
	is(heap_trace_stop(), ESP_OK, "stop");
	is(heap_trace_stop(), ESP_ERR_INVALID_STATE, "stop twice");
	is(heap_trace_resume(), ESP_OK, "resume");
	is(heap_trace_get_count(), 1, "stop and resume change no count");
	is(heap_trace_stop(), ESP_OK, "stop again");
	free(p);
}

static void start_again(void)
{
	heap_trace_summary_t s;

	is(heap_trace_init_standalone(small, 2), ESP_OK, "a small buffer");
	is(heap_trace_start(HEAP_TRACE_LEAKS), ESP_OK, "start");
	for (int i = 0; i < 3; i++)
		block(8);
	check(heap_trace_summary(&s) == ESP_OK);
	ok(s.has_overflowed && s.high_water_mark == 2 && s.total_allocations == 3, "it overflows");
	is(heap_trace_start(HEAP_TRACE_ALL), ESP_OK, "start while it runs");
	check(heap_trace_summary(&s) == ESP_OK);
	ok(!s.count && !s.total_allocations && !s.total_frees && !s.high_water_mark && !s.has_overflowed && s.capacity == 2,
	   "all figures are 0");
	is(s.mode, HEAP_TRACE_ALL, "in the new mode");
	ok(!small[0].address && !small[1].address, "the buffer is empty");
	block(8);
	is(heap_trace_get_count(), 1, "and it goes on");
	is(heap_trace_stop(), ESP_OK, "stop");
}

/* The buffer is the program's own again: what is written to it now would be a fault. */
static void give_back(void)
{
	heap_trace_record_t *own = mmap(NULL, 8 * sizeof(*own), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(own != MAP_FAILED);
	is(heap_trace_init_standalone(own, 8), ESP_OK, "a buffer of its own");
	is(heap_trace_start(HEAP_TRACE_LEAKS), ESP_OK, "start");
	void *p = block(30);

	is(own[0].size, 30, "is written to");
	is(heap_trace_stop(), ESP_OK, "stop");
	is(heap_trace_init_standalone(NULL, 0), ESP_OK, "give it back");
	check(!munmap(own, 8 * sizeof(*own)));
	free(p);
	use(100, 50);
	is(heap_trace_start(HEAP_TRACE_LEAKS), ESP_ERR_INVALID_STATE, "no start without it");
	is(heap_trace_get_count(), 0, "no records either");
}

static void get(void)
{
	heap_trace_record_t r;
	void *p[8];

	check(heap_trace_init_standalone(recs, 8) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	for (int i = 0; i < 2; i++)
		p[i] = block((size_t)i + 100);
	is(heap_trace_get(0, NULL), ESP_ERR_INVALID_STATE, "get into nowhere");
	is(heap_trace_get(2, &r), ESP_ERR_INVALID_ARG, "get beyond the last");
	is(heap_trace_get(SIZE_MAX, &r), ESP_ERR_INVALID_ARG, "get far beyond the last");
	for (int i = 2; i < 8; i++)
		p[i] = block((size_t)i + 100);
	static const int order[] = {5, 0, 6, 7, 1, 6, 5, 0};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		check(heap_trace_get((size_t)order[i], &r) == ESP_OK);
		ok(r.address == p[order[i]] && r.size == (size_t)order[i] + 100, "get in any order");
	}
	for (size_t i = 0; i < heap_trace_get_count(); i++) {
		check(heap_trace_get(i, &r) == ESP_OK);
		ok(r.address, "a record while records go");
		free(r.address);
	}
	is(heap_trace_get_count(), 4, "every other one went, because the younger ones moved up");
	check(heap_trace_stop() == ESP_OK);
}

static void *others;

/* Blocks come and go. */
static void *come_and_go(void *stop)
{
	void *p[100];

	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
		for (int i = 0; i < 100; i++)
			p[i] = block(40);
		for (int i = 0; i < 100; i++)
			free(p[i]);
	}
	return NULL;
}

/* Records are got while another thread takes them away: each is one, none is empty. */
static void get_while_others_free(void)
{
	heap_trace_record_t r;
	pthread_t thread;
	int stop = 0, empty = 0, got = 0;

	check(heap_trace_init_auto(1000, HEAP_TRACE_EVICT_OLDEST) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	others = block(77);
	check(!pthread_create(&thread, NULL, come_and_go, &stop));
	for (int turn = 0; turn < 200; turn++)
		for (size_t i = 0; i < heap_trace_get_count(); i++) {
			if (heap_trace_get(i, &r) != ESP_OK)
				break;
			got++;
			empty += !r.address || !r.size || r.freed;
		}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	check(!pthread_join(thread, NULL));
	ok(got >= 200 && !empty, "records while another thread frees them");
	ok(is_recorded(others), "and the one that it leaves alone");
	check(heap_trace_stop() == ESP_OK);
	free(others);
}

/* The program's array is its own: what it writes there disturbs nothing. */
static void scribble(void)
{
	heap_trace_record_t r;

	check(heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	void *a = block(11), *b = block(22);

	memset(recs, 0xff, sizeof(recs));
	free(a);
	ok(!recs[0].address && !recs[0].size, "a slot is emptied whatever stood there");
	check(heap_trace_get(0, &r) == ESP_OK);
	ok(r.address == b && r.size == 22, "what is got is not what was scribbled");
	is(heap_trace_get_count(), 1, "the count is right");
	check(heap_trace_stop() == ESP_OK);
}

static void on_other_stack(int number)
{
	block(55);
}

/* The buffer is on the stack of a thread whose signal stack lies above it: a handler there does not mean that it is gone. */
static void *in_frame(void *signal_stack)
{
	heap_trace_record_t own[4];
	stack_t other = {.ss_sp = signal_stack, .ss_size = 65536};
	struct sigaction action = {.sa_handler = on_other_stack, .sa_flags = SA_ONSTACK};

	check(!sigaltstack(&other, NULL) && !sigaction(SIGUSR1, &action, NULL));
	check(heap_trace_init_standalone(own, 4) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	check(!pthread_kill(pthread_self(), SIGUSR1));
	block(66);
	is(heap_trace_stop(), ESP_OK, "a buffer on a stack, a handler on another");
	ok(own[0].size == 55 && own[1].size == 66, "are both well");
	check(heap_trace_init_standalone(NULL, 0) == ESP_OK);
	return NULL;
}

static void signal_stack(void)
{
	const size_t size = 1 << 20;
	char *memory = mmap(NULL, size + 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_t attributes;
	pthread_t thread;

	check(memory != MAP_FAILED && !pthread_attr_init(&attributes) && !pthread_attr_setstack(&attributes, memory, size));
	check(!pthread_create(&thread, &attributes, in_frame, memory + size) && !pthread_join(thread, NULL));
}

int main(void)
{
	without_buffer();
	init();
	resume();
	start_again();
	give_back();
	get();
	scribble();
	get_while_others_free();
	signal_stack();
	return done_testing();
}
