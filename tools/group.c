// SPDX-License-Identifier: MIT

/* Backtraces summed up by who asked for the memory: see group.h. */

#include "group.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "churn.h"
#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "symbols.h"

struct grouping {
	struct groups *groups;
	struct model *model;
	enum group_key key;
	struct table known;   /* (name, module) to number + 1 */
	size_t room;
	struct stack_lines stack;
};

const char *group_key_name(enum group_key key)
{
	static const char *const names[] = { "none", "function", "module", "line", "thread" };

	return names[key];
}

/** What a line has in common with the others of its group, and the group's name, to be freed. */
static char *characterize(enum group_key key, const struct stack_line *line, struct group *group)
{
	*group = (struct group) { .module = line->module };
	if (key == GROUP_MODULE)
		return memory_copy_string(line->module ? module_name(line->module) : "[anon]");
	group->function = line->function;
	if (key == GROUP_FUNCTION)
		return stack_line_name(line);
	group->file = line->file;
	group->line = line->line;
	if (line->file && line->line)
		return memory_format("%s:%u", line->file, line->line);
	return line->frame ? frame_place(line->frame, true) : stack_line_name(line);
}

/** A thread's group; its name alone may be that of others too. */
static char *characterize_thread(const struct thread *thread, struct group *group)
{
	*group = (struct group) { .thread = thread };
	return thread ? memory_format("%s %" PRIu32, thread->name, thread->tid) : memory_copy_string("unknown");
}

/** The group of a line; a function of the same name in another module is another one. */
static uint32_t group_of(struct grouping *grouping, const struct stack_line *line, const struct thread *thread)
{
	struct groups *groups = grouping->groups;
	struct group group;
	bool by_thread = grouping->key == GROUP_THREAD;
	char *name = by_thread ? characterize_thread(thread, &group) : characterize(grouping->key, line, &group);
	const char *module = strings_keep(groups->names, group.module ? group.module->path : "");
	bool fresh;
	uint32_t *number;

	group.name = strings_keep(groups->names, name);
	free(name);
	number = table_at(&grouping->known, (uintptr_t)group.name, (uintptr_t)module, &fresh);
	if (fresh) {
		group.sum.first_ns = UINT64_MAX;
		groups->groups = memory_grow(groups->groups, groups->count, &grouping->room, sizeof(*groups->groups));
		groups->groups[groups->count] = group;
		*number = (uint32_t)++groups->count;
	}
	return *number - 1;
}

static void add(struct group *group, const struct backtrace *backtrace)
{
	struct backtrace *sum = &group->sum;

	sum->live_blocks += backtrace->live_blocks;
	sum->live_bytes += backtrace->live_bytes;
	sum->at_peak_blocks += backtrace->at_peak_blocks;
	sum->at_peak_bytes += backtrace->at_peak_bytes;
	sum->total_blocks += backtrace->total_blocks;
	sum->total_bytes += backtrace->total_bytes;
	sum->freed_blocks += backtrace->freed_blocks;
	sum->freed_bytes += backtrace->freed_bytes;
	if (backtrace->first_ns < sum->first_ns)
		sum->first_ns = backtrace->first_ns;
	if (backtrace->last_ns > sum->last_ns)
		sum->last_ns = backtrace->last_ns;
	group->backtraces++;
}

static int group_order(const void *a, const void *b)
{
	const struct backtrace *left = &((const struct group *)a)->sum, *right = &((const struct group *)b)->sum;

	if (left->live_bytes != right->live_bytes)
		return left->live_bytes > right->live_bytes ? -1 : 1;
	if (left->total_bytes != right->total_bytes)
		return left->total_bytes > right->total_bytes ? -1 : 1;
	return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

/** Sort the groups; backtraces find theirs by its old number, which is kept in the sum meanwhile (it has no folds). */
static void sort_groups(struct grouping *grouping)
{
	struct groups *groups = grouping->groups;
	uint32_t *places = memory_zeroed(groups->count + 1, sizeof(*places));

	for (size_t i = 0; i < groups->count; i++)
		groups->groups[i].sum.folds = i;
	if (groups->count)
		qsort(groups->groups, groups->count, sizeof(*groups->groups), group_order);
	for (size_t i = 0; i < groups->count; i++)
		places[groups->groups[i].sum.folds] = (uint32_t)i;
	for (size_t i = 0; i < grouping->model->backtrace_count; i++) {
		if (groups->group_of[i] != NO_GROUP)
			groups->group_of[i] = places[groups->group_of[i]];
	}
	free(places);
}

/** When the groups stand where they stay. */
static void add_churn(struct groups *groups, const struct model *model)
{
	if (!model->churns)
		return;
	groups->churns = memory_zeroed(groups->count + 1, sizeof(*groups->churns));
	for (size_t i = 0; i < groups->count; i++)
		groups->groups[i].sum.churn = &groups->churns[i];
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (groups->group_of[i] != NO_GROUP && model->backtraces[i].churn)
			churn_add(&groups->churns[groups->group_of[i]], model->backtraces[i].churn);
	}
}

void groups_make(struct groups *groups, struct model *model, const struct options *options)
{
	struct grouping grouping = { .groups = groups, .model = model, .key = options->group };

	*groups = (struct groups) { .names = memory_zeroed(1, sizeof(*groups->names)) };
	groups->group_of = memory_zeroed(model->backtrace_count + 1, sizeof(*groups->group_of));
	symbols_name_all(model, options);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		groups->group_of[i] = NO_GROUP;
		if (backtrace->ignored)
			continue;
		stack_lines_make(&grouping.stack, model, backtrace, true);
		groups->group_of[i] = group_of(&grouping, stack_lines_caller(&grouping.stack), backtrace->thread);
		add(&groups->groups[groups->group_of[i]], backtrace);
	}
	sort_groups(&grouping);
	add_churn(groups, model);
	table_free(&grouping.known);
	free(grouping.stack.lines);
}

void groups_free(struct groups *groups)
{
	strings_free(groups->names);
	free(groups->names);
	free(groups->groups);
	free(groups->group_of);
	free(groups->churns);
}
