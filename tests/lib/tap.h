// SPDX-License-Identifier: MIT

/*
 * The Test Anything Protocol for unit tests in C. A test is a program: it prints "ok" and "not ok" lines and ends with
 * `return tap_done();`. A crash or a missing plan makes prove(1) fail it.
 */

#ifndef HEAPTRACE_TESTS_TAP_H
#define HEAPTRACE_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static unsigned tap_count, tap_failures;

/** Record one result; the rest is a printf format that says what was promised. @return `pass` */
#define ok(pass, ...) tap_ok((pass), __FILE__, __LINE__, __VA_ARGS__)
/** Two integers are equal. */
#define is_int(got, expected, ...) tap_is_int((long long)(got), (long long)(expected), __FILE__, __LINE__, __VA_ARGS__)
/** Two strings are equal; NULL only equals NULL. */
#define is_str(got, expected, ...) tap_is_str((got), (expected), __FILE__, __LINE__, __VA_ARGS__)
/** `text` contains `part`. */
#define has(text, part, ...) tap_has((text), (part), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((format(printf, 4, 5), unused))
static bool tap_ok(bool pass, const char *file, int line, const char *format, ...)
{
	va_list arguments;

	printf("%s %u - ", pass ? "ok" : "not ok", ++tap_count);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	if (!pass) {
		tap_failures++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return pass;
}

/** A remark in the output; no newline needed. */
__attribute__((format(printf, 1, 2), unused))
static void diag(const char *format, ...)
{
	va_list arguments;

	printf("# ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

/** Count one test that can not run here, and say why. */
__attribute__((unused))
static void skip(const char *name, const char *reason)
{
	printf("ok %u - %s # SKIP %s\n", ++tap_count, name, reason);
}

/** Print the plan. @return the exit status for main() */
__attribute__((unused))
static int tap_done(void)
{
	printf("1..%u\n", tap_count);
	return tap_failures ? 1 : 0;
}

#define tap_compare(pass, show_got, show_expected)                                     \
	do {                                                                           \
		char name[256];                                                        \
		va_list arguments;                                                     \
		va_start(arguments, format);                                           \
		vsnprintf(name, sizeof(name), format, arguments);                      \
		va_end(arguments);                                                     \
		if (!tap_ok((pass), file, line, "%s", name)) {                         \
			show_got;                                                      \
			show_expected;                                                 \
		}                                                                      \
		return (pass);                                                         \
	} while (0)

__attribute__((format(printf, 5, 6), unused))
static bool tap_is_int(long long got, long long expected, const char *file, int line, const char *format, ...)
{
	tap_compare(got == expected, diag("     got: %lld", got), diag("expected: %lld", expected));
}

__attribute__((format(printf, 5, 6), unused))
static bool tap_is_str(const char *got, const char *expected, const char *file, int line, const char *format, ...)
{
	bool same = got && expected ? strcmp(got, expected) == 0 : got == expected;

	tap_compare(same, diag("     got: %s", got ? got : "(null)"), diag("expected: %s", expected ? expected : "(null)"));
}

__attribute__((format(printf, 5, 6), unused))
static bool tap_has(const char *text, const char *part, const char *file, int line, const char *format, ...)
{
	bool found = text && strstr(text, part);

	tap_compare(found, diag("      in: %s", text ? text : "(null)"), diag("expected: %s", part));
}

#endif
