// SPDX-License-Identifier: MIT

/* --group: the backtraces of a model summed up by the function, module or line that asked for the memory. */

#ifndef HEAPTRACE_GROUP_H
#define HEAPTRACE_GROUP_H

#include <stdio.h>

#include "model.h"
#include "options.h"

/** What was asked for by one function, module, line or thread. */
struct group {
	const char *name;             /* for people: a function, a path, "file.c:12", or a place where there is none */
	const char *function;         /* NULL: not known, or not the same for all (as of a module) */
	const char *file;             /* likewise */
	unsigned line;                /* 0: likewise */
	const struct module *module;  /* NULL: in none */
	const struct thread *thread;  /* of --group=thread; NULL: unknown, or grouped by something else */
	struct backtrace sum;         /* the figures; own peaks cannot be summed up and are 0, there are no frames */
	size_t backtraces;
};

struct groups {
	struct group *groups;         /* most live bytes first */
	size_t count;
	struct churn *churns;         /* what the sums' churn points to; NULL without --churn */
	uint32_t *group_of;           /* of each backtrace of the model; NO_GROUP if it is left out */
	struct strings *names;
};

#define NO_GROUP UINT32_MAX

/** Group what figures_make() has left of a model. Names all frames. */
void groups_make(struct groups *groups, struct model *model, const struct options *options);

void groups_free(struct groups *groups);

/** "function", "module", "line", "thread" */
const char *group_key_name(enum group_key key);

/* report_groups.c: what the formats show of them. */

/** The groups of a text section, sorted by a key, the largest backtraces below each. */
void report_groups_text(FILE *out, struct model *model, const struct options *options, enum sort_key key, bool bold);

/** "groups":[...], */
void report_groups_json(FILE *out, const struct groups *groups, const struct options *options);

/** A line of CSV for each group of a process. */
void report_groups_csv(FILE *out, struct model *model, const struct options *options);

/** The line with the names of the columns. */
extern const char report_groups_csv_head[];

#endif
