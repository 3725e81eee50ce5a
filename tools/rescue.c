// SPDX-License-Identifier: MIT

/*
 * Reports by the launcher itself: the collector has died (somebody killed it), but the launcher holds the segments too.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "render.h"
#include "supervise.h"

#define MAX_PROCESSES 4096

/** Processes found in the segments. */
struct rescued {
	struct render *renders;
	struct host_facts *facts;
	size_t count, room, facts_room;
};

static void add(struct rescued *rescued, const struct run *run, int segment, const struct ht_process *process,
		uint32_t number, pid_t program, int status)
{
	rescued->renders = memory_grow(rescued->renders, rescued->count, &rescued->room, sizeof(*rescued->renders));
	rescued->facts = memory_grow(rescued->facts, rescued->count, &rescued->facts_room, sizeof(*rescued->facts));
	struct host_facts *facts = &rescued->facts[rescued->count];
	*facts = (struct host_facts){.pid = (int)process->pid};
	if ((pid_t)process->pid == program)
		how_of_status(status, facts->how_it_ended, sizeof(facts->how_it_ended));
	rescued->renders[rescued->count++] = (struct render){
		.segment = segment,
		.number = number,
		.options = run->options,
		.occasion.final = true,
		.stream = -1,
	};
}

static void add_segment(struct rescued *rescued, const struct run *run, int segment, pid_t program, int status)
{
	static uint32_t numbers[MAX_PROCESSES];
	struct error error;
	struct snapshot *snapshot = snapshot_read(segment, "the segment", &error);
	if (!snapshot)
		return;
	size_t count = snapshot_processes(snapshot, numbers, MAX_PROCESSES);
	for (size_t i = 0; i < count && i < MAX_PROCESSES; i++) {
		const struct ht_process *process = snapshot_process(snapshot, numbers[i]);
		if (process && (run->options->follow == FOLLOW_ALL || !(process->flags & HT_PROCESS_FORKED)))
			add(rescued, run, segment, process, numbers[i], program, status);
	}
	snapshot_close(snapshot);
}

static void direct(struct run *run, struct render *render, const struct host_facts *facts, bool first)
{
	const char *(*name)(struct output_names *, const struct output *, pid_t, const char *) =
		first ? output_name : output_name_other;
	render->facts = facts;
	if (run->outfile.stream >= 0)
		render->stream = run->outfile.stream;
	else if (run->outfile.pattern)
		render->path = name(&run->outfile_names, &run->outfile, facts->pid, "rescued");
	else
		render->stream = STDERR_FILENO;
	if (run->save.pattern)
		render->save = name(&run->save_names, &run->save, facts->pid, "rescued");
}

void rescue(struct run *run, const struct held *held, size_t count, pid_t program, int status)
{
	struct rescued rescued = {0};
	for (size_t i = 0; i < count; i++)
		add_segment(&rescued, run, held[i].fd, program, status);
	fprintf(stderr, "[heaptrace] the collector has died; %s\n", rescued.count ?
		"what follows is what the program left in its segment" : "nothing is left to be reported, what came after it ran untraced");
	for (size_t i = 0; i < rescued.count; i++)
		direct(run, &rescued.renders[i], &rescued.facts[i], i == 0);
	if (run->document && rescued.count)
		render_document(rescued.renders, rescued.count);
	for (size_t i = 0; i < rescued.count && !run->document; i++)
		render_process(&rescued.renders[i]);
	free(rescued.renders);
	free(rescued.facts);
}
