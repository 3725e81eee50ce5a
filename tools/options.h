// SPDX-License-Identifier: MIT

/*
 * Options: ONE table of flag, environment name, type, default and help (options.c). The command line, --help and the
 * tests of the man page are made from it.
 */

#ifndef HEAPTRACE_OPTIONS_H
#define HEAPTRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../src/segment.h"

enum report_format { FORMAT_TEXT, FORMAT_COLLAPSED, FORMAT_JSON, FORMAT_PPROF, FORMAT_HEAP_V2, FORMAT_SPEEDSCOPE,
		     FORMAT_DHAT, FORMAT_CSV, FORMAT_HTML, FORMAT_MASSIF };
enum flame_metric { METRIC_LIVE, METRIC_AT_PEAK, METRIC_TOTAL };
enum sort_key { SORT_NONE, SORT_SIZE, SORT_COUNT, SORT_PEAK, SORT_AT_PEAK, SORT_TOTAL, SORT_ALLOCS, SORT_AGE, SORT_TEMPORARY,
		SORT_GROWTH, SORT_RATE };
enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };
enum follow { FOLLOW_ALL, FOLLOW_EXEC, FOLLOW_NONE };
enum unwinder { UNWINDER_AUTO, UNWINDER_LIBUNWIND };

enum group_key { GROUP_NONE, GROUP_FUNCTION, GROUP_MODULE, GROUP_LINE, GROUP_THREAD };

#define MAX_SORT_KEYS 8
#define MAX_PATTERNS 16

/** The patterns of an option that may be repeated; one of them is enough. */
struct patterns {
	const char *texts[MAX_PATTERNS];
	size_t count;
};

/** What a view leaves out: filter.h. */
struct filters {
	struct patterns module, from; /* of who called the allocator */
	struct patterns through, not_through;
	struct patterns thread;       /* names, as fnmatch() takes them, or numbers */
	uint64_t min_size, max_size;  /* bytes; NO_LIMIT: no maximum */
	uint64_t min_age, max_age;    /* ns; NO_LIMIT: no maximum */
};

struct options {
	enum report_format format;
	enum flame_metric metric;     /* --flame-graph=, for collapsed */
	const char *outfile;          /* NULL: the format's default stream */
	enum sort_key sort[MAX_SORT_KEYS];
	size_t sort_count;
	unsigned top;                 /* 0: all */
	const char *ignore;           /* path of the rules, or NULL */
	struct filters filters;
	struct patterns wrappers;     /* that the user knows of: allocators.h */
	bool fold_recursion;
	enum group_key group;
	enum follow follow;           /* which processes: collect_follow.c */
	struct patterns only;         /* names of programs, as fnmatch() takes them */
	unsigned depth;
	const char *save;             /* path pattern, or NULL */
	int signals[HT_MAX_SIGNALS];
	size_t signal_count;
	bool exact;
	bool by_thread;               /* keep backtraces apart by thread */
	bool churn;                   /* count temporary blocks, sizes, what realloc moves */
	bool start_off;               /* record nothing until somebody starts it */
	bool lines, inlines;          /* false with --no-lines, --no-inlines */
	bool cache;                   /* false with --no-cache: addr2line's answers are neither read nor kept */
	const char *addr2line;
	const char *debug_dir;
	enum unwinder unwinder;
	bool force;
	enum color_when color;
	bool keep_allocator;          /* keep the frames of allocators and wrappers at the inner end (allocators.h) */
	bool quiet, verbose;
	bool events;                  /* report: all events of a heap_trace stream too */
	uint64_t max_live, max_peak, max_allocs; /* NO_LIMIT: none */
	uint64_t max_growth;          /* bytes over the base; 0 is the default */
	bool fail_on_live, count_known;
	const char *growth_base;      /* path of the snapshot of --max-growth-over, or NULL */
	struct gate *gate;            /* gate.c's, NULL without limits */
	uint64_t interval_ns;         /* of slices; 0: none are taken */
	bool slices, window;          /* report: list the slices; say what grew between two of them */
	uint64_t window_from, window_to; /* ns since the start of the process, TIME_OPEN: not given */
	uint64_t refresh_ms;          /* top: between two refreshes */
	bool batch;                   /* top: plain text */
	unsigned count;               /* top: refreshes to print, 0: until the end */
	const char *program_output;   /* top: where the program writes to, or NULL */
};

#define NO_LIMIT UINT64_MAX

/** Which commands an option is for; bits. */
enum option_scope { SCOPE_RUN = 1, SCOPE_REPORT = 2, SCOPE_DUMP = 4, SCOPE_EXPORT = 8, SCOPE_DIFF = 16, SCOPE_TOP = 64,
		    SCOPE_CTL = 128, SCOPE_ALL = 31 };

/** What options_parse() found. */
enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_ERROR };

void options_defaults(struct options *options);

/**
 * Parse flags: up to the program to run, for SCOPE_RUN; else all up to "--", those behind operands too, which are put in
 * front of them. (For SCOPE_TOP a "--" behind an operand is an operand; for SCOPE_CTL all behind "PID dump" are.)
 *
 * @param scope  the command's bit; flags of other commands are refused by name
 * @param next   out: index of the first operand in argv
 * @param error  out: one line, what, why and what to do, when OPTIONS_ERROR is returned
 */
enum options_result options_parse(struct options *options, enum option_scope scope, int argc, char **argv, int *next,
				  char *error, size_t error_size);

/** Print the help of a command (SCOPE_RUN: of the whole tool) to stdout. */
void options_help(enum option_scope scope);

/** Whether something is chosen or added up by thread, which only runs with --by-thread know. */
bool options_need_threads(const struct options *options);

/** What --flame-graph= calls it. */
const char *flame_metric_name(enum flame_metric metric);

/** Name of a sort key as in "sorted by size". */
const char *sort_key_name(enum sort_key key);

#define OPTION_WORDS 16
#define OPTION_WORD 24

/** A row of the table, for what is made from it: completions, lists in man pages. */
struct option_description {
	char letter;             /* 0: none */
	const char *flag;        /* without the dashes */
	const char *value;       /* what stands for a value in the help, or NULL: takes none */
	const char *group;       /* non-NULL: a new group begins here */
	const char *help;
	bool needs_value;        /* else it is optional, where there is one */
	unsigned scope;          /* enum option_scope bits */
	char words[OPTION_WORDS][OPTION_WORD]; /* that may be a value */
	size_t word_count;
};

/** @return false: there are not so many rows */
bool options_describe(size_t number, struct option_description *description);

#endif
