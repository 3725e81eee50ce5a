// SPDX-License-Identifier: MIT

/* Reading the options that choose what is shown: processes, filters, groups. */

#include "options_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_pattern(struct patterns *patterns, const char *value, struct complaint *complaint)
{
	if (!*value || strspn(value, "*^$") == strlen(value))
		return options_complain(complaint, "that pattern would match everything; give a part of the name "
						   "(* stands for anything, ^ and $ bind to the ends)");
	if (patterns->count == MAX_PATTERNS)
		return options_complain(complaint, "there is room for 16 patterns; use * to say more with one");
	patterns->texts[patterns->count++] = value;
	return 0;
}

OPTION_READER(module, read_pattern, filters.module)
OPTION_READER(from, read_pattern, filters.from)
OPTION_READER(wrapper, read_pattern, wrappers)
OPTION_READER(through, read_pattern, filters.through)
OPTION_READER(not_through, read_pattern, filters.not_through)
OPTION_READER(min_size, options_read_size, filters.min_size)
OPTION_READER(max_size, options_read_size, filters.max_size)

/** With a unit, in ns: 500ms, 1.5s, 10min. */
static int read_time(uint64_t *ns, const char *value, struct complaint *complaint)
{
	static const struct { const char *name; double ns; } units[] = {
		{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}, {"d", 86400e9},
	};
	size_t digits = strspn(value, "0123456789.");
	double number = digits && value[0] != '.' ? strtod(value, NULL) : -1;
	const char *dot = strchr(value, '.');

	for (size_t i = 0; number >= 0 && i < COUNT(units); i++) {
		if (strcmp(value + digits, units[i].name) != 0 || (dot && strchr(dot + 1, '.')))
			continue;
		if (number * units[i].ns > 9e18)
			return options_complain(complaint, "that is longer than 285 years; give a shorter time");
		*ns = (uint64_t)(number * units[i].ns + 0.5);
		return 0;
	}
	return options_complain(complaint, "it takes a time with its unit, as in 500ms, 1.5s, 10min, 2h or 1d");
}

OPTION_READER(min_age, read_time, filters.min_age)
OPTION_READER(max_age, read_time, filters.max_age)

int read_follow(struct options *options, const char *value, struct complaint *complaint)
{
	static const char *const names[] = {[FOLLOW_ALL] = "all", [FOLLOW_EXEC] = "exec", [FOLLOW_NONE] = "none"};
	int found = options_find_word(names, COUNT(names), value, strlen(value));

	if (found < 0)
		return options_complain(complaint, "it takes all, exec or none");
	options->follow = (enum follow)found;
	return 0;
}

/** Every [ has its ]. */
static bool is_glob(const char *value)
{
	const char *open = strchr(value, '[');

	for (; open; open = strchr(open, '[')) {
		const char *close = open[1] ? strchr(open + 2, ']') : NULL;

		if (!close)
			return false;
		open = close;
	}
	return true;
}

static int read_glob(struct patterns *patterns, const char *value, const char *what, struct complaint *complaint)
{
	if (!*value || strchr(value, '/') || !is_glob(value))
		return options_complain(complaint, what);
	if (patterns->count == MAX_PATTERNS)
		return options_complain(complaint, "there is room for 16 names; use * to say more with one");
	patterns->texts[patterns->count++] = value;
	return 0;
}

int read_thread(struct options *options, const char *value, struct complaint *complaint)
{
	return read_glob(&options->filters.thread, value, "it takes a thread's name, perhaps with *, ? or [abc] in it, or its number",
			 complaint);
}

bool options_need_threads(const struct options *options)
{
	return options->filters.thread.count || options->group == GROUP_THREAD;
}

int read_only(struct options *options, const char *value, struct complaint *complaint)
{
	return read_glob(&options->only, value,
			 "it takes the name of a program without its directory, perhaps with *, ? or [abc] in it", complaint);
}

int read_group(struct options *options, const char *value, struct complaint *complaint)
{
	static const char *const names[] = {[GROUP_FUNCTION] = "function", [GROUP_MODULE] = "module", [GROUP_LINE] = "line",
					   [GROUP_THREAD] = "thread"};
	int found = options_find_word(names, COUNT(names), value, strlen(value));

	if (found < 0)
		return options_complain(complaint, "backtraces are grouped by function, module, line or thread");
	options->group = (enum group_key)found;
	return 0;
}

/** Own peaks were at different times: their sum is nobody's. */
static bool sorts_by_own_peak(const struct options *options)
{
	for (size_t i = 0; i < options->sort_count; i++) {
		if (options->sort[i] == SORT_PEAK)
			return true;
	}
	return false;
}

int options_check_views(const struct options *options, struct complaint *complaint)
{
	const struct filters *filters = &options->filters;
	bool by_figures = filters->min_size || filters->max_size != NO_LIMIT || filters->min_age || filters->max_age != NO_LIMIT;

	if (filters->min_size > filters->max_size)
		return options_complain(complaint, "--min-size is more than --max-size: nothing can be between them; swap them");
	if (filters->min_age > filters->max_age)
		return options_complain(complaint, "--min-age is more than --max-age: nothing can be between them; swap them");
	if (options->group && options->format != FORMAT_TEXT && options->format != FORMAT_JSON && options->format != FORMAT_CSV)
		return options_complain(complaint, "--group is for text, json and csv; other formats show stacks: leave it out");
	if (options->group && (options->window || options->slices))
		return options_complain(complaint, "--group is of one moment, --window and --slices are of several: leave one of them out");
	if (options->group && sorts_by_own_peak(options))
		return options_complain(complaint, "--sort=peak is not for --group: own peaks were at different times and cannot be "
						   "added up; use at-peak");
	if (by_figures && options->growth_base)
		return options_complain(complaint, "--max-growth-over compares backtraces of all sizes and ages; leave out --min-size, "
						   "--max-size, --min-age and --max-age");
	return 0;
}
