// SPDX-License-Identifier: MIT

/* What the report formats share: names of entry points and places, and the figures without what is ignored. */

#ifndef HEAPTRACE_REPORT_COMMON_H
#define HEAPTRACE_REPORT_COMMON_H

#include "report.h"
#include "rules.h"

/** "malloc", "operator new(unsigned long)", ... */
const char *entry_name(enum ht_entry entry);

/** Whether a function belongs to the allocator: malloc and its family, operator new, allocate() of an allocator class. */
bool is_allocator_function(const char *function);

/** What stands for an address without a function's name: "module (+0xoffset)", "[vdso] (+0xoffset)", "[anon]". To be freed. */
char *frame_place(const struct frame *frame, bool base_name_only);

/** One process's figures as a report shows them. */
struct figures {
	struct totals totals;            /* without what is ignored */
	uint64_t backtraces;             /* with live blocks */
	uint64_t ignored_backtraces;     /* that any figure was taken from */
	uint64_t ignored_blocks, ignored_bytes; /* live */
};

/**
 * Apply the rules, if there are any (this names all frames), and sum up the rest. Rules that can not be read are said on
 * stderr; then nothing is ignored.
 *
 * @return the rules with their use counted, to be freed, or NULL
 */
struct rules *figures_make(struct figures *figures, struct model *model, const struct options *options);

/** The bytes of a backtrace that --flame-graph=METRIC asks for. */
uint64_t backtrace_metric_bytes(const struct backtrace *backtrace, enum flame_metric metric);

/** And the blocks. */
uint64_t backtrace_metric_blocks(const struct backtrace *backtrace, enum flame_metric metric);

/** Lines about children that could not be traced, one for each reason. */
void report_untraced(FILE *out, const struct host_facts *host);

/** The library's module, or NULL. */
const struct module *model_self(const struct model *model);

#endif
