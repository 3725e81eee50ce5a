// SPDX-License-Identifier: MIT

/*
 * Which processes the user wants to hear of: --follow and --only. A program that is not wanted and says hello gets no
 * segment, so it runs untraced at no further cost; a fork child of one that is traced goes on in its segment, but is not
 * reported. Neither is a loss, so none is listed as not seen.
 */

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "memory.h"
#include "paths.h"
#include "procfs.h"

/** Does one of --only's patterns match the name, or are there none? */
static bool is_wanted_name(const char *name, void *data)
{
	const struct options *options = data;
	for (size_t i = 0; i < options->only.count; i++) {
		if (fnmatch(options->only.texts[i], name, 0) == 0)
			return true;
	}
	return !options->only.count;
}

/** Is it the program that the launcher has started? Its word on which that is may still be on its way. */
static bool is_program(const struct run *run, pid_t pid)
{
	struct proc_stat stat;
	if (run->program)
		return pid == run->program;
	if (procfs_stat(pid, &stat)) /* there is no /proc here: the program comes first */
		return !run->image_count && !run->declined_count;
	return stat.ppid == run->launcher;
}

bool follow_admits(const struct run *run, pid_t pid)
{
	if (run->options->follow == FOLLOW_NONE && !is_program(run, pid))
		return false;
	return !run->options->only.count || procfs_names(pid, is_wanted_name, (void *)run->options);
}

bool follow_wants_forks(const struct run *run)
{
	return run->options->follow == FOLLOW_ALL;
}

bool follow_misses(const struct run *run, const struct process *process, pid_t pid, const char *path)
{
	if (run->options->follow == FOLLOW_NONE && pid != process->pid)
		return false;
	if (run->options->follow == FOLLOW_NONE && process->unwanted)
		return false;
	return is_wanted_name(base_name(path), (void *)run->options);
}

static uint32_t parent_of(const struct image *image, uint32_t number)
{
	for (size_t i = 0; i < image->family_count; i++) {
		if (image->families[i].number == number)
			return image->families[i].parent;
	}
	return 0;
}

/** The nearest ancestor that is going to have a report. */
static struct process *reported_ancestor(const struct process *process)
{
	struct image *image = process->image;
	uint32_t number = parent_of(image, process->number);
	for (size_t steps = 0; number && steps <= image->family_count; steps++) {
		struct process *ancestor = process_numbered(image, number);
		if (ancestor && !ancestor->unwanted && !ancestor->ended)
			return ancestor;
		number = parent_of(image, number);
	}
	return NULL;
}

void follow_hand_over(struct run *run, struct process *process)
{
	struct host_facts *from = &process->facts;
	struct process *ancestor = process->unwanted ? reported_ancestor(process) : NULL;
	if (!process->unwanted || !from->untraced_count)
		return;
	for (size_t i = 0; i < from->untraced_count; i++) {
		struct untraced *child = &from->untraced[i];
		if (!ancestor) {
			collect_say(run, "not seen: child %d: %s", child->pid, child->reason);
			continue;
		}
		struct host_facts *to = &ancestor->facts;
		to->untraced = memory_resize(to->untraced, to->untraced_count + 1, sizeof(*to->untraced));
		to->untraced[to->untraced_count++] = (struct untraced){child->pid, memory_copy_string(child->reason)};
	}
}

void follow_say_nothing(const struct run *run)
{
	const struct patterns *only = &run->options->only;
	if (run->image_count || run->refused_count || !run->declined_count)
		return;
	if (!only->count)
		collect_say(run, "nothing was traced: the library did not come up in the program itself, and --follow=none leaves its "
				 "children out; use --follow=all");
	else
		collect_say(run, "nothing was traced: %u programs ran, and none has a name that --only=%s%s; it takes the name without "
				 "the directory, perhaps with * in it", run->declined_count, only->texts[0],
			    only->count > 1 ? " or another one matches" : " matches");
}
