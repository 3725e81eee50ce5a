// SPDX-License-Identifier: MIT

/*
 * Suppressions as valgrind's memcheck writes and reads them, of the kind Leak:
 *
 *	{
 *	   name
 *	   Memcheck:Leak
 *	   match-leak-kinds: reachable
 *	   fun:malloc
 *	   ...
 *	   obj:*libfoo.so*
 *	}
 *
 * The callers are held against the innermost frames of a backtrace, the allocator's first; `...` stands for any number of
 * frames, `*` and `?` in a pattern for any text and any character. Kinds of leaks are not told apart.
 */

#ifndef HEAPTRACE_RULES_VALGRIND_H
#define HEAPTRACE_RULES_VALGRIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report_stack.h"
#include "snapshot.h"

enum caller_kind { CALLER_ANY, CALLER_FUNCTION, CALLER_OBJECT, CALLER_SOURCE };

struct caller {
	enum caller_kind kind;
	char *pattern;        /* NULL of CALLER_ANY */
};

struct suppression {
	char *name;
	struct caller *callers;
	size_t count, room;
	uint64_t backtraces;  /* that it ignored */
};

/** A suppression being read, line by line. */
struct suppression_reader {
	struct suppression suppression;
	unsigned first, line;  /* in the file */
	unsigned read;         /* lines of the suppression so far, "{" included; 0: outside of any */
	bool other;            /* not of memcheck's leaks */
};

enum suppression_state { SUPPRESSION_NONE, SUPPRESSION_MORE, SUPPRESSION_DONE, SUPPRESSION_ERROR };

/**
 * Read the next line of a file, without white space at its ends.
 *
 * @return SUPPRESSION_NONE: the line belongs to no suppression; SUPPRESSION_MORE: it does; SUPPRESSION_DONE:
 *	reader->suppression is whole, and the caller's from now on; SUPPRESSION_ERROR: *error is filled
 */
enum suppression_state suppression_read(struct suppression_reader *reader, const char *line, struct error *error);

/** At the end of the file. @return 0, or -1 with *error filled: a suppression has no end */
int suppression_finish(struct suppression_reader *reader, struct error *error);

void suppression_free(struct suppression *suppression);

/** Whether a suppression matches the stack, which was made with the allocator's lines. */
bool suppression_matches(const struct suppression *suppression, const struct stack_lines *stack);

#endif
