// SPDX-License-Identifier: MIT

/*
 * Reports: from a model to text, collapsed stacks or JSON.
 */

#ifndef HEAPTRACE_REPORT_H
#define HEAPTRACE_REPORT_H

#include <stdio.h>

#include "model.h"
#include "options.h"

/** Why this report is made; the text format says so in a line when it is a dump of a running program. */
struct report_occasion {
	bool final;               /* the process has ended (or will not be seen again): "finalized" is printed */
	const char *reason;       /* NULL, or "SIGUSR1", "SIGUSR2", "heaptrace dump", ... */
	enum sort_key force_sort; /* SORT_NONE, or the signal's sort key instead of --sort */
	bool terminal;            /* the output is a terminal: colours, per cent, shortened names as options->color says */
};

/**
 * Name, filter and write one process in the text format.
 * @return 0; 1 if nothing was printed because nothing is live; -1 if writing failed (errno)
 */
int report_text(FILE *out, struct model *model, const struct options *options, const struct report_occasion *occasion);

/** Collapsed stacks of all processes, one document. @return 0, or -1 if writing failed (errno) */
int report_collapsed(FILE *out, struct model **models, size_t count, const struct options *options);

/** One JSON document of all processes. @return 0, or -1 if writing failed (errno) */
int report_json(FILE *out, struct model **models, size_t count, const struct options *options);

#endif
