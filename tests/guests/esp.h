// SPDX-License-Identifier: MIT
// For guests that call heap_trace: they check it themselves and say so in TAP; tests/cli/esp-*.t runs them. Nothing here
// allocates, so that the records are those of the test.

#ifndef HEAPTRACE_TESTS_ESP_H
#define HEAPTRACE_TESTS_ESP_H

#include "esp_heap_trace.h"
#include "guest.h"

#include <sys/time.h>

#include <stdarg.h>

static int tap_number;

/** Write formatted text. */
__attribute__((unused, format(printf, 1, 2))) static void put(const char *format, ...)
{
	char line[512];
	va_list list;

	va_start(list, format);
	int length = vsnprintf(line, sizeof(line), format, list);

	va_end(list);
	check(length < (int)sizeof(line) && write(1, line, (size_t)length) == length);
}

__attribute__((unused)) static void ok_at(int good, const char *name, int line, const char *what)
{
	put("%sok %d - %s\n", good ? "" : "not ", ++tap_number, name);
	if (!good)
		put("# line %d: %s\n", line, what);
}

/** One line of TAP. */
#define ok(condition, name) ok_at((condition) ? 1 : 0, (name), __LINE__, #condition)

/** The same for two numbers. */
#define is(got, expected, name)                                                                        \
	do {                                                                                           \
		long long got_ = (long long)(got), expected_ = (long long)(expected);                  \
		ok_at(got_ == expected_, (name), __LINE__, #got);                                      \
		if (got_ != expected_)                                                                 \
			put("#      got: %lld (0x%llx)\n# expected: %lld\n", got_, (unsigned long long)got_, expected_); \
	} while (0)

__attribute__((unused)) static int done_testing(void)
{
	put("1..%d\n", tap_number);
	return 0;
}

__attribute__((unused)) static heap_trace_summary_ex_t figures(void)
{
	heap_trace_summary_ex_t s;

	check(heap_trace_summary_ex(&s) == ESP_OK);
	return s;
}

/** A block that the compiler must really allocate. */
__attribute__((noinline, unused)) static void *block(size_t size)
{
	void *volatile p = malloc(size);

	return p;
}

/** Whether a block has a record that is not freed. */
__attribute__((unused)) static int is_recorded(const void *p)
{
	heap_trace_record_t r;

	for (size_t i = 0; heap_trace_get(i, &r) == ESP_OK; i++)
		if (r.address == p && !r.freed)
			return 1;
	return 0;
}

#endif
