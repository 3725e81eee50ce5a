// SPDX-License-Identifier: MIT

/* What the report formats share: names of entry points and places, and the figures without what is ignored. */

#ifndef HEAPTRACE_REPORT_COMMON_H
#define HEAPTRACE_REPORT_COMMON_H

#include "report.h"
#include "rules.h"

/** "malloc", "operator new(unsigned long)", ... */
const char *entry_name(enum ht_entry entry);

/** The path of a module, or what stands for it: "[vdso]", "[anon]". */
const char *module_name(const struct module *module);

/** What stands for an address without a function's name: "module (+0xoffset)", "[vdso] (+0xoffset)", "[anon]". To be freed. */
char *frame_place(const struct frame *frame, bool base_name_only);

/** What is not in a report. */
struct left_out {
	uint64_t backtraces;
	uint64_t blocks, bytes;          /* live */
};

/** One process's figures as a report shows them. */
struct figures {
	struct totals totals;            /* without what is left out */
	uint64_t backtraces;             /* with live blocks */
	struct left_out ignored;         /* by rules */
	struct left_out filtered;        /* by filters */
};

/**
 * Prepare a model for a report: fold recursion if that is asked for, apply the rules and filters, if there are any (this
 * names all frames if they are about names), and sum up the rest. Rules that can not be read are said on stderr; then nothing is ignored.
 *
 * @return the rules with their use counted, to be freed, or NULL
 */
struct rules *figures_make(struct figures *figures, struct model *model, const struct options *options);

/** How long ago a backtrace was first seen. */
uint64_t backtrace_age(const struct model *model, const struct backtrace *backtrace);

/** The bytes of a backtrace that --flame-graph=METRIC asks for. */
uint64_t backtrace_metric_bytes(const struct backtrace *backtrace, enum flame_metric metric);

/** And the blocks. */
uint64_t backtrace_metric_blocks(const struct backtrace *backtrace, enum flame_metric metric);

/** Lines about children that could not be traced, one for each reason. */
void report_untraced(FILE *out, const struct host_facts *host);

/** The lines below the text report's summary: what was ignored, what has no names, what was not seen. */
void report_text_notes(FILE *out, struct model *model, const struct figures *figures, struct rules *rules,
		       const struct options *options);

/** The library's module, or NULL. */
const struct module *model_self(const struct model *model);

#endif
