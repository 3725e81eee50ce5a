// SPDX-License-Identifier: MIT

/*
 * Rules of --ignore: one a line, `#` begins a comment line. `leak:PATTERN` is LeakSanitizer's suppression: `*` stands for
 * anything, `^` and `$` bind to the ends, otherwise a part is enough. Any other line is a plain substring. Suppressions of
 * valgrind may stand between them: see rules_valgrind.h.
 */

#ifndef HEAPTRACE_RULES_H
#define HEAPTRACE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules_valgrind.h"
#include "snapshot.h"

struct rule {
	char *text;           /* as written */
	const char *pattern;  /* in `text`, behind "leak:" */
	bool leak;            /* a pattern, not a substring */
	uint64_t backtraces;  /* that it ignored */
};

struct rules {
	struct rule *rules;
	size_t count;
	struct suppression *suppressions;
	size_t suppression_count, suppression_room;
};

/** Read a file of rules. @return the rules, to be freed, or NULL with *error filled */
struct rules *rules_read(const char *path, struct error *error);

void rules_free(struct rules *rules);

/** The built-in suppressions of what runtimes allocate once; to be freed. */
struct rules *rules_known(void);

/** Hand a suppression over to the rules; it is empty afterwards. */
void rules_add_suppression(struct rules *rules, struct suppression *suppression);

/** Mark what the suppressions match of the backtraces (their frames named) that are not ignored yet. */
void rules_apply_suppressions(struct rules *rules, struct model *model);

/** Whether one rule matches a text. */
bool rule_matches(const struct rule *rule, const char *text);

/**
 * Mark the backtraces of a model (its frames named) that a rule matches; each counts for the first that does, and for a
 * suppression if no other rule does.
 */
void rules_apply(struct rules *rules, struct model *model);

#endif
