// SPDX-License-Identifier: MIT

/*
 * Filters of views: see filter.h. Filters of different kinds must all let a backtrace pass; of several patterns of one
 * kind, one is enough. Each distinct frame is matched once, not once in every backtrace.
 */

#include "filter.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "rules.h"
#include "snapshot_internal.h"
#include "symbols.h"

#define THROUGH 1u
#define NOT_THROUGH 2u

/** A pass over a model. */
struct pass {
	const struct filters *filters;
	const struct options *options;
	struct model *model;
	uint8_t *marks;           /* of each frame: THROUGH, NOT_THROUGH */
	struct stack_lines stack;
};

static bool matches_any(const struct patterns *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->count; i++) {
		const struct rule rule = { .pattern = patterns->texts[i], .leak = true };

		if (rule_matches(&rule, text))
			return true;
	}
	return false;
}

static bool needs_caller(const struct filters *filters)
{
	return filters->module.count || filters->from.count;
}

static bool needs_frames(const struct filters *filters)
{
	return filters->through.count || filters->not_through.count;
}

static bool any_is_set(const struct options *options)
{
	const struct filters *filters = &options->filters;

	return needs_caller(filters) || needs_frames(filters) || filters->thread.count || filters->min_size || filters->max_size != NO_LIMIT ||
	       filters->min_age || filters->max_age != NO_LIMIT;
}

static uint8_t marks_of_name(const struct filters *filters, const char *name)
{
	return (matches_any(&filters->through, name) ? THROUGH : 0) |
	       (matches_any(&filters->not_through, name) ? NOT_THROUGH : 0);
}

/** Of all functions that are inlined into a frame. One without a name has its place, as reports show it. */
static uint8_t marks_of_frame(const struct filters *filters, const struct frame *frame)
{
	uint8_t marks = 0;

	for (unsigned i = 0; i < frame->name_count; i++) {
		const char *function = frame->names[i].function;
		char *place = function ? NULL : frame_place(frame, false);

		marks |= marks_of_name(filters, function ? function : place);
		free(place);
	}
	return marks;
}

static void mark_frames(struct pass *pass)
{
	pass->marks = memory_zeroed(pass->model->frame_count + 1, sizeof(*pass->marks));
	for (size_t i = 0; i < pass->model->frame_count; i++)
		pass->marks[i] = marks_of_frame(pass->filters, &pass->model->frames[i]);
}

static bool passes_through(const struct pass *pass, const struct backtrace *backtrace)
{
	uint8_t marks = marks_of_name(pass->filters, entry_name(backtrace->entry));

	for (unsigned i = 0; i < backtrace->depth; i++)
		marks |= pass->marks[backtrace->frames[i] - pass->model->frames];
	return !(marks & NOT_THROUGH) && (marks & THROUGH || !pass->filters->through.count);
}

/** By who called the allocator. */
static bool passes_caller(struct pass *pass, const struct backtrace *backtrace)
{
	const struct filters *filters = pass->filters;
	const struct stack_line *caller;
	bool passes = true;

	stack_lines_make(&pass->stack, pass->model, backtrace, true);
	caller = stack_lines_caller(&pass->stack);
	if (filters->module.count)
		passes = matches_any(&filters->module, caller->module ? module_name(caller->module) : "[anon]");
	if (passes && filters->from.count) {
		char *name = stack_line_name(caller);

		passes = matches_any(&filters->from, name);
		free(name);
	}
	return passes;
}

/** The bytes that --min-size and --max-size compare: those that the view is about. */
static uint64_t size_of(const struct backtrace *backtrace, const struct options *options)
{
	if (options->format == FORMAT_TEXT && options->sort_count) {
		if (options->sort[0] == SORT_PEAK)
			return backtrace->peak_bytes;
		if (options->sort[0] == SORT_AT_PEAK)
			return backtrace->at_peak_bytes;
		if (options->sort[0] == SORT_TOTAL || options->sort[0] == SORT_ALLOCS || options->sort[0] == SORT_TEMPORARY)
			return backtrace->total_bytes;
	}
	return backtrace_metric_bytes(backtrace, options->metric);
}

static bool passes_figures(const struct pass *pass, const struct backtrace *backtrace)
{
	const struct filters *filters = pass->filters;
	uint64_t size = size_of(backtrace, pass->options);
	uint64_t age = backtrace_age(pass->model, backtrace);

	return size >= filters->min_size && size <= filters->max_size && age >= filters->min_age && age <= filters->max_age;
}

/** By the thread that allocated; one that is not known passes for none. */
static bool passes_thread(const struct patterns *patterns, const struct thread *thread)
{
	char number[16];

	if (!patterns->count)
		return true;
	if (!thread)
		return false;
	snprintf(number, sizeof(number), "%" PRIu32, thread->tid);
	for (size_t i = 0; i < patterns->count; i++) {
		if (fnmatch(patterns->texts[i], thread->name, 0) == 0 || strcmp(patterns->texts[i], number) == 0)
			return true;
	}
	return false;
}

static bool passes(struct pass *pass, const struct backtrace *backtrace)
{
	return passes_figures(pass, backtrace) && passes_thread(&pass->filters->thread, backtrace->thread) && (!pass->marks || passes_through(pass, backtrace)) &&
	       (!needs_caller(pass->filters) || passes_caller(pass, backtrace));
}

bool filter_lacks_threads(const struct model *model, const struct options *options, struct error *error)
{
	if (!options_need_threads(options) || model->thread_count)
		return false;
	error_set(error, "nothing is known of threads: the run of %s was without --by-thread; run the program with it, or leave out "
		  "--thread and --group=thread", model->name);
	return true;
}

void filter_undo(struct model *model)
{
	for (size_t i = 0; i < model->backtrace_count; i++) {
		struct backtrace *backtrace = &model->backtraces[i];

		backtrace->ignored &= !backtrace->filtered;
		backtrace->filtered = false;
	}
}

void filter_apply(struct model *model, const struct options *options)
{
	struct pass pass = { .filters = &options->filters, .options = options, .model = model };

	filter_undo(model);
	if (!any_is_set(options))
		return;
	if (needs_caller(pass.filters) || needs_frames(pass.filters))
		symbols_name_all(model, options);
	if (needs_frames(pass.filters))
		mark_frames(&pass);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		struct backtrace *backtrace = &model->backtraces[i];

		if (!backtrace->ignored && !passes(&pass, backtrace))
			backtrace->ignored = backtrace->filtered = true;
	}
	free(pass.marks);
	free(pass.stack.lines);
}
