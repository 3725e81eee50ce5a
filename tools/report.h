// SPDX-License-Identifier: MIT

/*
 * Reports: from models to text, or to a document in one of the formats that other programs read.
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
	struct totals *totals;    /* NULL, or out: those that the text report is of */
	bool terminal;            /* the output is a terminal: colours, per cent, shortened names as options->color says */
};

/**
 * Name, filter and write one process in the text format.
 * @return 0; 1 if nothing was printed because nothing is live; -1 if writing failed (errno)
 */
int report_text(FILE *out, struct model *model, const struct options *options, const struct report_occasion *occasion);

/** The frames of a backtrace, named, as the text report shows them where there is no terminal. */
void report_text_frames(FILE *out, const struct model *model, const struct backtrace *backtrace);

/** "frames":[...] of a backtrace, named, as the JSON report shows them. */
void report_json_frames(FILE *out, const struct model *model, const struct backtrace *backtrace);

/** A backtrace that was seen twice, its frames named. */
struct stack_growth {
	const struct model *model;
	const struct backtrace *backtrace;
	uint64_t before, after;
};

/** Two columns, "stack BEFORE AFTER", for flamegraph.pl's differential. @return 0, or -1 if writing failed (errno) */
int report_collapsed_growth(FILE *out, const struct stack_growth *growth, size_t count, const struct options *options);

/** One document of all processes in options->format, which is not text. @return 0, or -1 if writing failed (errno) */
int report_document(FILE *out, struct model **models, size_t count, const struct options *options);

/** Whether a document of this format would fill a terminal with what nobody can read. */
bool report_spoils_terminal(enum report_format format, int fd);

/** What is said then. */
#define REPORT_SPOILS_TERMINAL "this format is not for a terminal; use --outfile=FILE or a pipe"

/** What a file of a format is called behind its last dot. */
const char *report_suffix(enum report_format format);

/* The formats, each like report_document(). */
int report_collapsed(FILE *out, struct model **models, size_t count, const struct options *options);
int report_json(FILE *out, struct model **models, size_t count, const struct options *options);
int report_pprof(FILE *out, struct model **models, size_t count, const struct options *options);
int report_heap_v2(FILE *out, struct model **models, size_t count, const struct options *options);
int report_speedscope(FILE *out, struct model **models, size_t count, const struct options *options);
int report_dhat(FILE *out, struct model **models, size_t count, const struct options *options);
int report_massif(FILE *out, struct model **models, size_t count, const struct options *options);
int report_csv(FILE *out, struct model **models, size_t count, const struct options *options);
int report_html(FILE *out, struct model **models, size_t count, const struct options *options);

#endif
