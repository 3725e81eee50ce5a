// SPDX-License-Identifier: MIT

/* A backtrace as a list of lines, for formats that show functions: entry point, inlined functions, truncation. */

#ifndef HEAPTRACE_REPORT_STACK_H
#define HEAPTRACE_REPORT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

/** One function of a stack. */
struct stack_line {
	const struct frame *frame;  /* NULL: the entry point, or "[truncated]" */
	const struct module *module;
	uint64_t address;           /* return address; of the entry point its own; 0: none */
	const char *function;       /* NULL: not known */
	const char *file;           /* NULL: not known */
	unsigned line;
	bool inlined;
};

/** Innermost first; empty when zeroed, lines to be freed. */
struct stack_lines {
	struct stack_line *lines;
	size_t count, room;
};

/** Fill the list with a backtrace whose frames are named; what allocators.h hides at the inner end only if asked for. */
void stack_lines_make(struct stack_lines *stack, const struct model *model, const struct backtrace *backtrace,
		      bool keep_allocator);

/**
 * How many lines of a list made with keep_allocator the others are without. A stack of nothing else keeps its outermost.
 */
size_t stack_lines_hidden(const struct stack_lines *stack);

/**
 * The line that asked for the memory: the innermost that does not hand it on (see allocators.h), of a list made with
 * keep_allocator. A stack of nothing else has its outermost.
 */
const struct stack_line *stack_lines_caller(const struct stack_lines *stack);

/** "leak_a (leak.c:6) < main (leak.c:13)": so many lines from one on, outwards. To be freed. */
char *stack_lines_describe(const struct stack_lines *stack, size_t first, size_t count);

/** The function, or what stands for it. To be freed. */
char *stack_line_name(const struct stack_line *line);

/** A part of a file in memory, as a line of /proc/PID/maps shows it. */
struct mapping {
	uint64_t start, limit, offset;
};

/** The executable segment of a module that an address lies in; the first one, if in none; the whole, if it has none. */
struct mapping module_mapping(const struct module *module, uint64_t address);

#endif
