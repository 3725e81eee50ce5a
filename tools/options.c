// SPDX-License-Identifier: MIT

/*
 * One table says everything about every option: flag, value, commands it is for, how it is read, help. The parser and
 * --help walk over it; documentation is checked against --help.
 */

#include "options_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "times.h"

#ifndef HEAPTRACE_DEPTH
#define HEAPTRACE_DEPTH HT_MAX_DEPTH
#endif

_Static_assert(HEAPTRACE_DEPTH >= 1 && HEAPTRACE_DEPTH <= HT_MAX_DEPTH, "make DEPTH= takes 1 to 256");

enum value_kind { VALUE_NONE, VALUE_NEEDED, VALUE_OPTIONAL };

struct option_row {
	char letter;          /* 0: none */
	const char *flag;     /* without the dashes */
	const char *value;    /* what stands behind "=" in the help, NULL: takes none */
	enum value_kind kind;
	unsigned scope;       /* enum option_scope bits */
	const char *library;  /* environment variable that the stand-alone library obeys, or NULL */
	option_reader *read;
	const char *group;    /* non-NULL: a new group begins here in the help */
	const char *help;
};

static const char *const sort_names[] = {
	[SORT_SIZE] = "size", [SORT_COUNT] = "count", [SORT_PEAK] = "peak", [SORT_AT_PEAK] = "at-peak",
	[SORT_TOTAL] = "total", [SORT_ALLOCS] = "allocs", [SORT_AGE] = "age", [SORT_TEMPORARY] = "temporary",
	[SORT_GROWTH] = "growth", [SORT_RATE] = "rate",
};

static const char *const format_names[] = {
	[FORMAT_TEXT] = "text", [FORMAT_COLLAPSED] = "collapsed", [FORMAT_JSON] = "json", [FORMAT_PPROF] = "pprof",
	[FORMAT_HEAP_V2] = "heap_v2", [FORMAT_SPEEDSCOPE] = "speedscope", [FORMAT_DHAT] = "dhat", [FORMAT_CSV] = "csv",
	[FORMAT_HTML] = "html", [FORMAT_MASSIF] = "massif",
};

static const char *const metric_names[] = { [METRIC_LIVE] = "live", [METRIC_AT_PEAK] = "at-peak", [METRIC_TOTAL] = "total" };

#define SHORTEST_INTERVAL_NS 10000000u

const char *sort_key_name(enum sort_key key)
{
	return key > SORT_NONE && (size_t)key < COUNT(sort_names) ? sort_names[key] : "none";
}

const char *flame_metric_name(enum flame_metric metric)
{
	return metric_names[metric];
}

int options_complain(struct complaint *complaint, const char *text)
{
	snprintf(complaint->text, complaint->size, "%s", text);
	return -1;
}

static int complain(struct complaint *complaint, const char *text)
{
	return options_complain(complaint, text);
}

int options_find_word(const char *const *words, size_t count, const char *word, size_t length)
{
	for (size_t i = 0; i < count; i++) {
		if (words[i] && strlen(words[i]) == length && memcmp(words[i], word, length) == 0)
			return (int)i;
	}
	return -1;
}

/** A decimal number between two limits and nothing behind it. */
static int read_number(const char *value, unsigned low, unsigned high, unsigned *number)
{
	char *end;
	errno = 0;
	unsigned long read = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || read < low || read > high)
		return -1;
	*number = (unsigned)read;
	return 0;
}

static int read_format(struct options *options, const char *value, struct complaint *complaint)
{
	int found = options_find_word(format_names, COUNT(format_names), value, strlen(value));
	if (found < 0)
		return complain(complaint, "the formats are text, collapsed, json, html, pprof, heap_v2, speedscope, dhat, massif and csv");
	options->format = (enum report_format)found;
	return 0;
}

static int read_flame_graph(struct options *options, const char *value, struct complaint *complaint)
{
	int found = value ? options_find_word(metric_names, COUNT(metric_names), value, strlen(value)) : METRIC_LIVE;
	if (found < 0)
		return complain(complaint, "a flame graph shows live, at-peak or total");
	options->format = FORMAT_COLLAPSED;
	options->metric = (enum flame_metric)found;
	return 0;
}

static int read_sort(struct options *options, const char *value, struct complaint *complaint)
{
	options->sort_count = 0;
	for (const char *key = value;; key++) {
		size_t length = strcspn(key, ",");
		int found = options_find_word(sort_names, SORT_GROWTH, key, length);
		if (found < 0)
			return complain(complaint, "the keys are size, count, peak, at-peak, total, allocs, age and temporary, "
						   "with commas between them");
		if (options->sort_count == MAX_SORT_KEYS)
			return complain(complaint, "that is more keys than there are");
		options->sort[options->sort_count++] = (enum sort_key)found;
		options->churn |= found == SORT_TEMPORARY; /* else nobody counts them */
		key += length;
		if (!*key)
			return 0;
	}
}

static int read_top_sort(struct options *options, const char *value, struct complaint *complaint)
{
	int found = options_find_word(sort_names, COUNT(sort_names), value, strlen(value));
	if (found < 0 || found == SORT_AT_PEAK || (found >= SORT_ALLOCS && found <= SORT_TEMPORARY))
		return complain(complaint, "the keys are size, count, growth, rate, peak and total");
	options->sort[0] = (enum sort_key)found;
	return 0;
}

static int read_top(struct options *options, const char *value, struct complaint *complaint)
{
	if (read_number(value, 0, 0xffffffffu, &options->top))
		return complain(complaint, "it takes a number of backtraces, 0 for all");
	return 0;
}

static int read_depth(struct options *options, const char *value, struct complaint *complaint)
{
	if (read_number(value, 1, HT_MAX_DEPTH, &options->depth))
		return complain(complaint, "it takes a number of frames from 1 to 256");
	return 0;
}

/** A signal by name, with or without SIG, or by number. @return 0 if there is none of that name */
static int signal_number(const char *text, size_t length)
{
	static const struct { const char *name; int number; } known[] = {
		{"HUP", SIGHUP}, {"INT", SIGINT}, {"QUIT", SIGQUIT}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
		{"ALRM", SIGALRM}, {"TERM", SIGTERM}, {"URG", SIGURG}, {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF},
		{"WINCH", SIGWINCH}, {"IO", SIGIO}, {"PWR", SIGPWR}, {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
		{"STKFLT", SIGSTKFLT}, {"TRAP", SIGTRAP}, {"SYS", SIGSYS}, {"CONT", SIGCONT}, {"TSTP", SIGTSTP},
	};
	char word[16];
	unsigned number;
	if (length >= sizeof(word))
		return 0;
	memcpy(word, text, length);
	word[length] = '\0';
	if (read_number(word, 1, (unsigned)SIGRTMAX, &number) == 0)
		return number == SIGKILL || number == SIGSTOP || number == SIGCHLD || number == SIGSEGV ||
		       (number > 31 && number < (unsigned)SIGRTMIN) ? 0 : (int)number;
	const char *name = strncmp(word, "SIG", 3) == 0 ? word + 3 : word;
	for (size_t i = 0; i < COUNT(known); i++) {
		if (strcmp(known[i].name, name) == 0)
			return known[i].number;
	}
	if (strncmp(name, "RTMIN+", 6) == 0 && read_number(name + 6, 0, 30, &number) == 0)
		return SIGRTMIN + (int)number;
	return 0;
}

static int read_signals(struct options *options, const char *value, struct complaint *complaint)
{
	options->signal_count = 0;
	if (strcmp(value, "none") == 0)
		return 0;
	for (const char *name = value;; name++) {
		size_t length = strcspn(name, ",");
		int number = signal_number(name, length);
		if (!number)
			return complain(complaint, "it takes names or numbers of signals that a program can handle, "
						   "with commas between them, as in USR1,USR2, or none");
		if (options->signal_count == HT_MAX_SIGNALS)
			return complain(complaint, "there is room for 8 signals");
		options->signals[options->signal_count++] = number;
		name += length;
		if (!*name)
			return 0;
	}
}

static int read_path(const char **path, const char *value, struct complaint *complaint)
{
	if (!*value)
		return complain(complaint, "the name is empty");
	*path = value;
	return 0;
}

static int read_unwinder(struct options *options, const char *value, struct complaint *complaint)
{
	static const char *const names[] = {"auto", "libunwind"};
	int found = options_find_word(names, COUNT(names), value, strlen(value));
	if (found < 0)
		return complain(complaint, "the unwinders are auto and libunwind");
	options->unwinder = (enum unwinder)found;
	return 0;
}

static int read_start(struct options *options, const char *value, struct complaint *complaint)
{
	static const char *const names[] = {"on", "off"};
	int found = options_find_word(names, COUNT(names), value, strlen(value));
	if (found < 0)
		return complain(complaint, "it takes on or off");
	options->start_off = found == 1;
	return 0;
}

static int read_color(struct options *options, const char *value, struct complaint *complaint)
{
	static const char *const names[] = {"auto", "always", "never"};
	int found = value ? options_find_word(names, COUNT(names), value, strlen(value)) : COLOR_ALWAYS;
	if (found < 0)
		return complain(complaint, "it takes auto, always or never");
	options->color = (enum color_when)found;
	return 0;
}

/* A number, perhaps with k, M, G or T (of 1,000) or Ki, Mi, Gi, Ti (of 1,024), perhaps with a B behind it. */
int options_read_size(uint64_t *size, const char *value, struct complaint *complaint)
{
	static const char units[] = "kMGT";
	char *end;
	errno = 0;
	unsigned long long number = strtoull(value, &end, 10);
	bool good = value[0] >= '0' && value[0] <= '9' && !errno;
	const char *unit = *end ? strchr(units, *end == 'K' ? 'k' : *end) : NULL;
	if (unit) {
		uint64_t factor = end[1] == 'i' ? 1024 : 1000;
		end += end[1] == 'i' ? 2 : 1;
		for (const char *step = units; step <= unit; step++)
			good = good && !__builtin_mul_overflow(number, factor, &number);
	}
	if (*end == 'B')
		end++;
	if (!good || *end || number == NO_LIMIT)
		return complain(complaint, "it takes bytes, as in 500, 64k, 10M, 2G (thousands) or 64Ki, 10Mi (of 1,024)");
	*size = number;
	return 0;
}

static int read_max_allocs(struct options *options, const char *value, struct complaint *complaint)
{
	if (options_read_size(&options->max_allocs, value, complaint))
		return complain(complaint, "it takes a number of allocations, as in 5000 or 10M");
	return 0;
}

static int read_interval(struct options *options, const char *value, struct complaint *complaint)
{
	if (time_read(value, &options->interval_ns) || options->interval_ns < SHORTEST_INTERVAL_NS)
		return complain(complaint, "it takes a time of 10ms or more, as in 100ms, 2.5s, 10min, 1h");
	return 0;
}

static int read_window(struct options *options, const char *value, struct complaint *complaint)
{
	if (time_read_window(value, &options->window_from, &options->window_to))
		return complain(complaint, "it takes two times since the program's start, the earlier one first, as in 2s..10min; "
					   "either may be left out");
	options->window = true;
	return 0;
}

static int read_refresh(struct options *options, const char *value, struct complaint *complaint)
{
	uint64_t ns;
	if (time_read(value, &ns) || ns < 50000000 || ns > 86400000000000u)
		return complain(complaint, "it takes a time from 50ms to 24h, as in 500ms, 2s, 1min");
	options->refresh_ms = ns / 1000000;
	return 0;
}

static int read_count(struct options *options, const char *value, struct complaint *complaint)
{
	if (read_number(value, 1, 0xffffffffu, &options->count))
		return complain(complaint, "it takes a number of refreshes");
	options->batch = true;
	return 0;
}

static OPTION_READER(outfile, read_path, outfile)
static OPTION_READER(save, read_path, save)
static OPTION_READER(ignore, read_path, ignore)
static OPTION_READER(addr2line, read_path, addr2line)
static OPTION_READER(debug_dir, read_path, debug_dir)
static OPTION_READER(program_output, read_path, program_output)
static OPTION_READER(max_growth_over, read_path, growth_base)
static OPTION_READER(max_live, options_read_size, max_live)
static OPTION_READER(max_peak, options_read_size, max_peak)
static OPTION_READER(max_growth, options_read_size, max_growth)

#define SWITCH(name, member, state)                                                                  \
	static int read_##name(struct options *options, const char *value, struct complaint *complaint) \
	{                                                                                               \
		options->member = state;                                                                \
		return 0;                                                                               \
	}
SWITCH(exact, exact, true)
SWITCH(by_thread, by_thread, true)
SWITCH(churn, churn, true)
SWITCH(no_lines, lines, false)
SWITCH(no_inlines, inlines, false)
SWITCH(no_cache, cache, false)
SWITCH(force, force, true)
SWITCH(keep_allocator, keep_allocator, true)
SWITCH(fold_recursion, fold_recursion, true)
SWITCH(quiet, quiet, true)
SWITCH(verbose, verbose, true)
SWITCH(slices, slices, true)
SWITCH(print_events, events, true)
SWITCH(json, format, FORMAT_JSON)
SWITCH(fail_on_live, fail_on_live, true)
SWITCH(count_known, count_known, true)
SWITCH(batch, batch, true)
#undef SWITCH

/* What makes a report of the text format. */
#define SCOPE_REPORTS (SCOPE_RUN | SCOPE_REPORT | SCOPE_DUMP)

static const struct option_row rows[] = {
	{0, "format", "NAME", VALUE_NEEDED, SCOPE_ALL, NULL, read_format, "Reports",
	 "text (default), html, collapsed, json, pprof, heap_v2, speedscope, dhat, massif or csv"},
	{0, "flame-graph", "live|at-peak|total", VALUE_OPTIONAL, SCOPE_ALL, NULL, read_flame_graph, NULL,
	 "collapsed stacks of these bytes, for flamegraph.pl (default live)"},
	{0, "outfile", "FILE", VALUE_NEEDED, SCOPE_ALL | SCOPE_TOP, NULL, read_outfile, NULL,
	 "where reports go: %p is the pid, %n the program's name, %% a %; - is stdout"},
	{'s', "sort", "KEY[,KEY]", VALUE_NEEDED, SCOPE_REPORTS, NULL, read_sort, NULL,
	 "a text section for each key: size (default), count, peak, at-peak, total, allocs, age, temporary"},
	{0, "top", "NUM", VALUE_NEEDED, (SCOPE_ALL & ~SCOPE_EXPORT) | SCOPE_TOP, NULL, read_top, NULL,
	 "backtraces in a text section (default 10, 0 for all)"},
	{0, "ignore", "FILE", VALUE_NEEDED, SCOPE_ALL, NULL, read_ignore, NULL,
	 "leave out backtraces that match a rule: a substring or leak:PATTERN on each line"},
	{0, "save", "FILE.htrace", VALUE_NEEDED, SCOPE_REPORTS | SCOPE_TOP, "HEAPTRACE_SAVE", read_save, NULL,
	 "keep a snapshot too, for heaptrace report (same % as --outfile)"},
	{0, "window", "FROM..TO", VALUE_NEEDED, SCOPE_REPORT, NULL, read_window, NULL,
	 "what grew between two times since the start, as in 10s..5min (needs --interval in the run)"},
	{0, "slices", NULL, VALUE_NONE, SCOPE_REPORT, NULL, read_slices, NULL,
	 "list the times of which the figures are known"},
	{'p', "print-events", NULL, VALUE_NONE, SCOPE_REPORT, NULL, read_print_events, NULL,
	 "of a trace that heap_trace_init_tohost() made: all events, before the report"},
	{'j', "json", NULL, VALUE_NONE, SCOPE_REPORT, NULL, read_json, NULL,
	 "short for --format=json"},
	{0, "keep-allocator", NULL, VALUE_NONE, SCOPE_ALL, NULL, read_keep_allocator, NULL,
	 "keep the frames of allocators and wrappers that formats other than text, json leave out"},
	{0, "color", "auto|always|never", VALUE_OPTIONAL, SCOPE_REPORTS | SCOPE_TOP, NULL, read_color, NULL,
	 "colours in the text report (default auto: on a terminal)"},

	{0, "refresh", "TIME", VALUE_NEEDED, SCOPE_TOP, NULL, read_refresh, "The screen",
	 "time between two refreshes, as in 500ms, 2s, 1min (default 1s)"},
	{'s', "sort", "KEY", VALUE_NEEDED, SCOPE_TOP, NULL, read_top_sort, NULL,
	 "what stands first: size (live bytes, default), count, growth, rate, peak, total"},
	{0, "batch", NULL, VALUE_NONE, SCOPE_TOP, NULL, read_batch, NULL,
	 "print every refresh as plain text, without a screen"},
	{0, "count", "NUM", VALUE_NEEDED, SCOPE_TOP, NULL, read_count, NULL,
	 "print so many refreshes and end (implies --batch)"},
	{0, "program-output", "FILE", VALUE_NEEDED, SCOPE_TOP, NULL, read_program_output, NULL,
	 "where a program that is started here writes to (default a file in $TMPDIR)"},

	{0, "depth", "NUM", VALUE_NEEDED, SCOPE_RUN | SCOPE_TOP, "HEAPTRACE_DEPTH", read_depth, "Tracing",
	 "frames kept of each backtrace, malloc itself among them, 1 to 256"},
	{0, "interval", "TIME", VALUE_NEEDED, SCOPE_RUN | SCOPE_TOP, NULL, read_interval, NULL,
	 "keep every backtrace's figures so often (100ms, 2s, 10min, 1h), for report --window and massif"},
	{0, "follow", "all|exec|none", VALUE_NEEDED, SCOPE_RUN | SCOPE_TOP, NULL, read_follow, NULL,
	 "children too (default), only those that execute a program, or none"},
	{0, "only", "NAME", VALUE_NEEDED, SCOPE_RUN | SCOPE_TOP, NULL, read_only, NULL,
	 "only programs of this name, perhaps with * in it; may be repeated"},
	{0, "exact", NULL, VALUE_NONE, SCOPE_RUN | SCOPE_TOP, "HEAPTRACE_EXACT", read_exact, NULL,
	 "exact peaks with many threads; the program runs slower"},
	{0, "by-thread", NULL, VALUE_NONE, SCOPE_RUN | SCOPE_TOP, "HEAPTRACE_BY_THREAD", read_by_thread, NULL,
	 "keep backtraces apart by the thread that allocates"},
	{0, "churn", NULL, VALUE_NONE, SCOPE_RUN | SCOPE_TOP, "HEAPTRACE_CHURN", read_churn, NULL,
	 "count temporary blocks, sizes and what realloc moves, too; the program runs slower"},
	{0, "start", "on|off", VALUE_NEEDED, SCOPE_RUN, "HEAPTRACE_START", read_start, NULL,
	 "off: record nothing until heaptrace ctl or the program's own call starts it (default on)"},
	{0, "signals", "LIST|none", VALUE_NEEDED, SCOPE_RUN | SCOPE_TOP, "HEAPTRACE_SIGNALS", read_signals, NULL,
	 "signals that dump: the first sorts by size, the second by count (default USR1,USR2)"},
	{0, "unwinder", "auto|libunwind", VALUE_NEEDED, SCOPE_RUN | SCOPE_TOP, NULL, read_unwinder, NULL,
	 "how stacks are followed (default auto)"},
	{0, "force", NULL, VALUE_NONE, SCOPE_RUN | SCOPE_TOP, NULL, read_force, NULL,
	 "run a program that cannot be traced anyway"},

	{0, "max-live", "SIZE", VALUE_NEEDED, SCOPE_RUN, NULL, read_max_live, "Limits (status 120 if a successful program exceeds one)",
	 "bytes that may be live when a process ends"},
	{0, "max-peak", "SIZE", VALUE_NEEDED, SCOPE_RUN, NULL, read_max_peak, NULL,
	 "bytes that may be live at any time"},
	{0, "max-allocs", "NUM", VALUE_NEEDED, SCOPE_RUN, NULL, read_max_allocs, NULL,
	 "blocks that a process may allocate"},
	{0, "fail-on-live", NULL, VALUE_NONE, SCOPE_RUN, NULL, read_fail_on_live, NULL,
	 "nothing may be live when a process ends; --ignore makes exceptions"},
	{0, "count-known", NULL, VALUE_NONE, SCOPE_RUN, NULL, read_count_known, NULL,
	 "count what runtimes keep (buffers of stdio, ...) as live too"},
	{0, "max-growth-over", "BASE.htrace", VALUE_NEEDED, SCOPE_RUN, NULL, read_max_growth_over, NULL,
	 "no more may be live than in this snapshot of the same program"},
	{0, "max-growth", "SIZE", VALUE_NEEDED, SCOPE_RUN, NULL, read_max_growth, NULL,
	 "so many bytes more (default 0)"},

	{0, "module", "PATTERN", VALUE_NEEDED, SCOPE_ALL, NULL, read_module, "Filters (of every format; text and json say what was left out)",
	 "only what code in this program or library allocates; PATTERN is a part, * ^ $ as in leak: rules"},
	{0, "from", "PATTERN", VALUE_NEEDED, SCOPE_ALL, NULL, read_from, NULL,
	 "only what this function asks for (the caller of allocators and wrappers)"},
	{0, "wrapper", "PATTERN", VALUE_NEEDED, SCOPE_ALL, NULL, read_wrapper, NULL,
	 "these functions are wrappers around allocators too, as xmalloc and many others are known to be"},
	{0, "through", "PATTERN", VALUE_NEEDED, SCOPE_ALL, NULL, read_through, NULL,
	 "only backtraces with this function in them"},
	{0, "not-through", "PATTERN", VALUE_NEEDED, SCOPE_ALL, NULL, read_not_through, NULL,
	 "only backtraces without it"},
	{0, "thread", "NAME|TID", VALUE_NEEDED, SCOPE_ALL & ~SCOPE_DIFF, NULL, read_thread, NULL,
	 "only what threads of this name, perhaps with * in it, or number ask for (sets --by-thread)"},
	{0, "min-size", "SIZE", VALUE_NEEDED, SCOPE_ALL & ~SCOPE_DIFF, NULL, read_min_size, NULL,
	 "only backtraces with so many bytes of what the view is about (default live)"},
	{0, "max-size", "SIZE", VALUE_NEEDED, SCOPE_ALL & ~SCOPE_DIFF, NULL, read_max_size, NULL,
	 "or no more than so many"},
	{0, "min-age", "TIME", VALUE_NEEDED, SCOPE_ALL & ~SCOPE_DIFF, NULL, read_min_age, NULL,
	 "only backtraces first seen so long ago, as in 500ms, 10s, 5min, 2h"},
	{0, "max-age", "TIME", VALUE_NEEDED, SCOPE_ALL & ~SCOPE_DIFF, NULL, read_max_age, NULL,
	 "only those that came later"},
	{0, "group", "function|module|line|thread", VALUE_NEEDED, SCOPE_ALL & ~SCOPE_DIFF, NULL, read_group, NULL,
	 "text, json, csv: backtraces added up by the function, module, line or thread that asks for the memory"},
	{0, "fold-recursion", NULL, VALUE_NONE, SCOPE_ALL, NULL, read_fold_recursion, NULL,
	 "show functions that call themselves or each other once, and backtraces that only differ in that as one"},

	{0, "no-lines", NULL, VALUE_NONE, SCOPE_ALL | SCOPE_TOP, NULL, read_no_lines, "Names",
	 "do not look up source files and lines"},
	{0, "no-inlines", NULL, VALUE_NONE, SCOPE_ALL | SCOPE_TOP, NULL, read_no_inlines, NULL,
	 "do not show inlined functions"},
	{0, "no-cache", NULL, VALUE_NONE, SCOPE_ALL | SCOPE_TOP, NULL, read_no_cache, NULL,
	 "do not use what addr2line said in earlier runs, nor keep what it says now"},
	{0, "addr2line", "PATH", VALUE_NEEDED, SCOPE_ALL | SCOPE_TOP, NULL, read_addr2line, NULL,
	 "the addr2line to use"},
	{0, "debug-dir", "DIR", VALUE_NEEDED, SCOPE_ALL | SCOPE_TOP, NULL, read_debug_dir, NULL,
	 "look for debug files here too"},

	{'q', "quiet", NULL, VALUE_NONE, SCOPE_ALL | SCOPE_TOP | SCOPE_CTL, NULL, read_quiet, "Messages",
	 "reports and errors only"},
	{'v', "verbose", NULL, VALUE_NONE, SCOPE_ALL | SCOPE_TOP, NULL, read_verbose, NULL,
	 "say more: what was not needed, why nothing is listed"},
};

void options_defaults(struct options *options)
{
	*options = (struct options){
		.format = FORMAT_TEXT,
		.sort = {SORT_SIZE},
		.sort_count = 1,
		.top = 10,
		.depth = HEAPTRACE_DEPTH,
		.signals = {SIGUSR1, SIGUSR2},
		.signal_count = 2,
		.lines = true,
		.inlines = true,
		.filters = {.max_size = NO_LIMIT, .max_age = NO_LIMIT},
		.max_live = NO_LIMIT,
		.max_peak = NO_LIMIT,
		.max_allocs = NO_LIMIT,
		.cache = true,
		.refresh_ms = 1000,
	};
}

/** A parse in progress. */
struct parse {
	struct options *options;
	enum option_scope scope;
	int argc, index;
	char **argv;
	char *error;
	size_t error_size;
};

/**
 * By a letter, or (0) by a flag. They may mean different things to commands: the row that is for this one, else any, so
 * that it can be refused.
 */
static const struct option_row *find_row(char letter, const char *flag, size_t length, enum option_scope scope)
{
	const struct option_row *other = NULL;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct option_row *row = &rows[i];
		if (letter ? row->letter != letter : strlen(row->flag) != length || memcmp(row->flag, flag, length) != 0)
			continue;
		if (row->scope & scope)
			return row;
		other = row;
	}
	return other;
}

static enum options_result unknown(struct parse *parse, const char *flag, int length)
{
	snprintf(parse->error, parse->error_size, "unknown option %.*s; 'heaptrace --help' lists all", length, flag);
	return OPTIONS_ERROR;
}

/** Give a row its value, taken from behind "=" or from the next argument. */
static enum options_result apply(struct parse *parse, const struct option_row *row, const char *value)
{
	char why[256];
	struct complaint complaint = {why, sizeof(why)};
	if (!(row->scope & parse->scope)) {
		snprintf(parse->error, parse->error_size, "--%s is not for this command%s; leave it out", row->flag,
			 row->scope == SCOPE_RUN ? " but for running a program" : "");
		return OPTIONS_ERROR;
	}
	if (row->kind == VALUE_NONE && value) {
		snprintf(parse->error, parse->error_size, "--%s takes no value; leave out '=%s'", row->flag, value);
		return OPTIONS_ERROR;
	}
	if (row->kind == VALUE_NEEDED && !value) {
		if (parse->index >= parse->argc) {
			snprintf(parse->error, parse->error_size, "--%s needs a value: --%s=%s", row->flag, row->flag,
				 row->value);
			return OPTIONS_ERROR;
		}
		value = parse->argv[parse->index++];
	}
	if (row->read(parse->options, value, &complaint)) {
		snprintf(parse->error, parse->error_size, "--%s=%s: %s", row->flag, value ? value : "", why);
		return OPTIONS_ERROR;
	}
	return OPTIONS_OK;
}

static enum options_result parse_long(struct parse *parse, const char *argument)
{
	const char *flag = argument + 2;
	size_t length = strcspn(flag, "=");
	if (strcmp(flag, "help") == 0)
		return OPTIONS_HELP;
	if (strcmp(flag, "version") == 0)
		return OPTIONS_VERSION;
	const struct option_row *row = find_row(0, flag, length, parse->scope);
	if (strncmp(flag, "help=", 5) == 0 || strncmp(flag, "version=", 8) == 0) {
		snprintf(parse->error, parse->error_size, "%.*s takes no value; leave out '%s'", (int)length + 2, argument, flag + length);
		return OPTIONS_ERROR;
	}
	if (!row)
		return unknown(parse, argument, (int)length + 2);
	return apply(parse, row, flag[length] ? flag + length + 1 : NULL);
}

/** -q, -qv, -s KEY, -sKEY. */
static enum options_result parse_letters(struct parse *parse, const char *argument)
{
	for (const char *letter = argument + 1; *letter; letter++) {
		if (*letter == 'h')
			return OPTIONS_HELP;
		const struct option_row *row = find_row(*letter, NULL, 0, parse->scope);
		if (!row) {
			char flag[3] = {'-', *letter, '\0'};
			return unknown(parse, flag, 2);
		}
		bool rest = row->kind == VALUE_NEEDED && letter[1];
		enum options_result result = apply(parse, row, rest ? letter + 1 : NULL);
		if (result != OPTIONS_OK || row->kind == VALUE_NEEDED)
			return result;
	}
	return OPTIONS_OK;
}

/** Put the arguments from `middle` to `end` before those from `first` on; both parts stay in order. */
static void put_before(char **argv, int first, int middle, int end)
{
	for (; first < middle && middle < end; first++, middle++) {
		char *argument = argv[middle];
		memmove(argv + first + 1, argv + first, (size_t)(middle - first) * sizeof(*argv));
		argv[first] = argument;
	}
}

/** Whether what stands behind an operand is that one's own: a program to run, or "ctl PID dump". */
static bool is_command(enum option_scope scope, int operands, const char *argument)
{
	return scope == SCOPE_RUN || (scope == SCOPE_CTL && operands == 1 && strcmp(argument, "dump") == 0);
}

enum options_result options_parse(struct options *options, enum option_scope scope, int argc, char **argv, int *next,
				  char *error, size_t error_size)
{
	struct parse parse = {options, scope, argc, 1, argv, error, error_size};
	enum options_result result = OPTIONS_OK;
	int operands = 0; /* passed over: they stand right before parse.index */
	while (parse.index < argc && result == OPTIONS_OK) {
		const char *argument = argv[parse.index];
		bool operand = argument[0] != '-' || !argument[1], last = strcmp(argument, "--") == 0;
		int start = parse.index;
		if (operand ? is_command(scope, operands, argument) : last && operands && scope == SCOPE_TOP)
			break;
		parse.index++;
		if (operand) {
			operands++;
			continue;
		}
		if (!last)
			result = argument[1] == '-' ? parse_long(&parse, argument) : parse_letters(&parse, argument);
		put_before(argv, start - operands, start, parse.index);
		if (last)
			break;
	}
	*next = parse.index - operands;
	struct complaint complaint = {error, error_size};
	return result == OPTIONS_OK && options_check_views(options, &complaint) ? OPTIONS_ERROR : result;
}

static void print_row(const struct option_row *row)
{
	char left[64];
	snprintf(left, sizeof(left), "%c%c%c --%s%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
		 row->letter ? ',' : ' ', row->flag, row->kind == VALUE_OPTIONAL ? "[=" : row->value ? "=" : "",
		 row->value ? row->value : "", row->kind == VALUE_OPTIONAL ? "]" : "");
	if (strlen(left) > 30)
		printf("  %s\n  %-30s %s\n", left, "", row->help);
	else
		printf("  %-30s %s\n", left, row->help);
}

static void print_library_names(void)
{
	printf("\nStand-alone: LD_PRELOAD=.../libheaptrace.so PROGRAM obeys");
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].library)
			printf(" %s", rows[i].library);
	}
	printf(" (values as above).\n");
}

static const char *usage_of(enum option_scope scope)
{
	switch (scope) {
	case SCOPE_REPORT:
		return "report [OPTIONS] FILE.htrace";
	case SCOPE_EXPORT:
		return "export --format=NAME [OPTIONS] FILE.htrace";
	case SCOPE_TOP:
		return "top [OPTIONS] PID\n       heaptrace top [OPTIONS] -- PROGRAM [ARGS...]";
	case SCOPE_CTL:
		return "ctl [OPTIONS] PID start|stop|resume|reset|status|dump";
	case SCOPE_DIFF:
		return "diff [OPTIONS] A.htrace B.htrace [C.htrace...]";
	default:
		return "dump [OPTIONS] PID";
	}
}

void options_help(enum option_scope scope)
{
	if (scope == SCOPE_RUN)
		printf("Usage:\n"
		       "  heaptrace [OPTIONS] [--] PROGRAM [ARGS...]   run a program, report its heap when it ends\n"
		       "  heaptrace report [OPTIONS] FILE.htrace       render a snapshot\n"
		       "  heaptrace export --format=NAME FILE.htrace   the same for other programs to read\n"
		       "  heaptrace diff [OPTIONS] A.htrace B.htrace   say what grew from one snapshot to another\n"
		       "  heaptrace dump [OPTIONS] PID                 report on a running traced process\n"
		       "  heaptrace top [OPTIONS] PID                  watch it; with -- PROGRAM: start and watch one\n"
		       "  heaptrace ctl PID start|stop|resume|reset|status|dump\n"
		       "                                               switch its tracing\n");
	else
		printf("Usage: heaptrace %s\n", usage_of(scope));
	const char *group = NULL;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (rows[i].group)
			group = rows[i].group;
		if (!(rows[i].scope & scope))
			continue;
		if (group)
			printf("\n%s:\n", group);
		group = NULL;
		print_row(&rows[i]);
	}
	printf("      --version                  print the version\n");
	printf("  -h, --help                     print this\n");
	if (scope == SCOPE_RUN)
		print_library_names();
}

/** The words between the bars of a value like "live|at-peak|total"; LIST and the like stand for something else. */
static size_t split_words(const char *value, char words[][OPTION_WORD], size_t most)
{
	size_t count = 0;
	for (const char *word = value, *end; word && strchr(value, '|') && count < most; word = *end ? end + 1 : NULL) {
		end = word + strcspn(word, "|");
		if (*word >= 'a' && *word <= 'z')
			snprintf(words[count++], OPTION_WORD, "%.*s", (int)(end - word), word);
	}
	return count;
}

bool options_describe(size_t number, struct option_description *description)
{
	if (number >= COUNT(rows))
		return false;
	const struct option_row *row = &rows[number];
	*description = (struct option_description){
		.letter = row->letter, .flag = row->flag, .value = row->value, .group = row->group, .help = row->help,
		.needs_value = row->kind == VALUE_NEEDED, .scope = row->scope,
	};
	bool sorts = row->read == read_sort || row->read == read_top_sort, formats = row->read == read_format;
	const char *const *names = sorts ? sort_names : format_names;
	size_t names_count = sorts ? COUNT(sort_names) : formats ? COUNT(format_names) : 0;
	for (size_t i = 0; i < names_count; i++) {
		struct options unused = {0};
		char text[256];
		struct complaint complaint = {text, sizeof(text)};
		if (names[i] && row->read(&unused, names[i], &complaint) == 0)
			snprintf(description->words[description->word_count++], OPTION_WORD, "%s", names[i]);
	}
	if (!names_count && row->value)
		description->word_count = split_words(row->value, description->words, OPTION_WORDS);
	return true;
}
