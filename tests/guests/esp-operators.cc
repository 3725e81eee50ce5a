// SPDX-License-Identifier: MIT
// heap_trace and C++: each operator new is one record, whose first frame is the operator's caller; so with delete.
// Build: -Iinclude/heaptrace
#include <new>
#include <string>

#include "esp.h"

static heap_trace_record_t recs[16];

struct alignas(64) wide {
	char bytes[128];
};

static uintptr_t low, high; // of the functions below

__attribute__((noinline, section("esp_callers"))) static void *make(int how)
{
	switch (how) {
	case 0: return operator new(24);
	case 1: return operator new[](24);
	case 2: return operator new(24, std::nothrow);
	case 3: return operator new[](24, std::nothrow);
	case 4: return new wide;
	default: return new (std::nothrow) wide;
	}
}

__attribute__((noinline, section("esp_callers"))) static void unmake(void *p, int how)
{
	switch (how) {
	case 0: case 2: operator delete(p); break;
	case 1: case 3: operator delete[](p); break;
	default: delete static_cast<wide *>(p);
	}
	__asm__ volatile("");
}

extern "C" char __start_esp_callers[], __stop_esp_callers[];

static int is_caller(const void *frame)
{
	return (uintptr_t)frame >= low && (uintptr_t)frame <= high;
}

int main()
{
	heap_trace_record_t r;

	low = (uintptr_t)__start_esp_callers;
	high = (uintptr_t)__stop_esp_callers;
	check(heap_trace_init_standalone(recs, 16) == ESP_OK);
	for (int how = 0; how < 6; how++) {
		check(heap_trace_start(HEAP_TRACE_ALL) == ESP_OK);
		void *p = make(how);

		is(heap_trace_get_count(), 1, "one record");
		check(heap_trace_get(0, &r) == ESP_OK && r.address == p);
		is(r.size, how < 4 ? 24 : 128, "of the size that was asked for");
		ok(is_caller(r.alloced_by[0]), "by the operator's caller");
		unmake(p, how);
		check(heap_trace_get(0, &r) == ESP_OK);
		ok(r.freed && is_caller(r.freed_by[0]), "freed by the operator's caller");
		ok(figures().summary.total_frees == 1 && figures().unmatched_frees == 0, "which is one free");
		check(heap_trace_stop() == ESP_OK);
	}
	check(heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	{
		std::string s(100, 'x');

		is(heap_trace_get_count(), 1, "what a library allocates");
	}
	is(heap_trace_get_count(), 0, "and frees");
	check(heap_trace_stop() == ESP_OK);
	return done_testing();
}
