// SPDX-License-Identifier: MIT

/* The reader adds up what threads and processes wrote, and makes figures agree. */

#include <stdio.h>
#include <string.h>

#include "../../tools/snapshot.h"
#include "../lib/build_segment.h"
#include "../lib/tap.h"

static void sums_cells_of_all_threads(void)
{
	struct built built = build_new();
	uint32_t process = build_process(&built, 0, 42);
	uint32_t outer = build_node(&built, process, 0, 0, 0x1000), inner = build_node(&built, process, outer, 0, 0x2000);
	uint32_t trace = build_trace(&built, process, HT_ENTRY_CALLOC, inner);
	struct model *model;

	build_count(&built, process, 0, trace, 100, 7, 0);
	build_count(&built, process, 1, trace, 100, 1, 5); /* freed by another thread: its own difference is negative */
	model = build_model(&built, process, NULL);
	is_int(model->backtrace_count, 1, "one backtrace");
	is_int(model->backtraces[0].live_blocks, 3, "live blocks are the sum of all cells");
	is_int(model->backtraces[0].live_bytes, 300, "live bytes are the sum of all cells");
	is_int(model->backtraces[0].total_blocks, 8, "blocks ever allocated");
	is_int(model->backtraces[0].freed_bytes, 500, "bytes freed");
	is_int(model->backtraces[0].entry, HT_ENTRY_CALLOC, "its entry point");
	is_int(model->backtraces[0].depth, 2, "its depth");
	is_int(model->backtraces[0].frames[0]->address, 0x2000, "innermost frame first");
	is_int(model->backtraces[0].frames[1]->address, 0x1000, "outermost frame last");
	is_int(model->totals.live_bytes, 300, "total of live bytes");
	is_int(model->totals.allocations, 8, "total of allocations");
	is_int(model->totals.frees, 5, "total of frees");
	is_int(model->totals.peak_bytes, 300, "a peak is at least what is live");
	is_int(model->backtraces[0].peak_blocks, 3, "a backtrace's peak as well");
	is_int(model->corrupt_records, 0, "nothing is corrupt");
	is_int(model->pid, 42, "pid");
	is_str(model->command[0], "?", "an unknown command is a question mark");
	model_free(model);
	build_free(&built);
}

static void merges_equal_backtraces(void)
{
	struct built built = build_new();
	uint32_t process = build_process(&built, 0, 42);
	uint32_t module = build_module(&built, process, "/x", 0x1000, 0x3000, "id");
	uint32_t again = build_module(&built, process, "/x", 0x1000, 0x3000, "id");
	uint32_t other = build_module(&built, process, "/y", 0x1000, 0x3000, "id");
	uint32_t nodes[] = { build_node(&built, process, build_node(&built, process, 0, module, 0x1500), module, 0x2000),
			     build_node(&built, process, build_node(&built, process, 0, again, 0x1500), again, 0x2000),
			     build_node(&built, process, build_node(&built, process, 0, other, 0x1500), other, 0x2000) };
	struct model *model;

	for (size_t i = 0; i < 3; i++) {
		uint32_t trace = build_trace(&built, process, HT_ENTRY_MALLOC, nodes[i]);

		build_count(&built, process, 0, trace, 10, 1, 0);
		build_trace_at(&built, process, trace)->first_ns = 5000 - i * 1000;
		build_trace_at(&built, process, trace)->peak_bytes = 10;
		build_trace_at(&built, process, trace)->peak_blocks = 1;
	}
	build_count(&built, process, 0, build_trace(&built, process, HT_ENTRY_NEW, nodes[0]), 10, 1, 0);
	model = build_model(&built, process, NULL);
	is_int(model->backtrace_count, 3, "same frames and entry are one backtrace; another library or entry is another");
	is_int(model->backtraces[0].live_blocks, 2, "merged blocks");
	is_int(model->backtraces[0].peak_bytes, 20, "merged peaks");
	is_int(model->backtraces[0].first_ns, 4000, "first of both times");
	is_str(model->backtraces[1].frames[0]->module->path, "/y", "the other library's frames are its own");
	is_int(model->totals.live_blocks, 4, "nothing is lost in merging");
	model_free(model);
	build_free(&built);
}

/** Live at the peak: recorded if the trace changed since, what is live now if not. */
static void attributes_the_peak(void)
{
	struct built built = build_new();
	uint32_t process = build_process(&built, 0, 42);
	uint32_t changed = build_trace(&built, process, HT_ENTRY_MALLOC, build_node(&built, process, 0, 0, 0x10));
	uint32_t unchanged = build_trace(&built, process, HT_ENTRY_MALLOC, build_node(&built, process, 0, 0, 0x20));
	struct ht_process *record = build_record(&built, process);
	struct model *model;

	build_count(&built, process, 0, changed, 10, 5, 4);
	build_count(&built, process, 0, unchanged, 10, 3, 1);
	record->generation = 7;
	record->peak_bytes = 70;
	record->peak_blocks = 7;
	build_trace_at(&built, process, changed)->generation = 7;
	build_trace_at(&built, process, changed)->at_peak_bytes = 50;
	build_trace_at(&built, process, changed)->at_peak_blocks = 5;
	build_trace_at(&built, process, unchanged)->generation = 6;
	build_trace_at(&built, process, unchanged)->at_peak_bytes = 99;
	model = build_model(&built, process, NULL);
	is_int(model->backtraces[0].at_peak_bytes, 50, "of this generation: as recorded");
	is_int(model->backtraces[1].at_peak_bytes, 20, "of an older one: what is live");
	is_int(model->backtraces[0].at_peak_bytes + model->backtraces[1].at_peak_bytes, model->totals.peak_bytes,
	       "the shares add up to the peak");
	model_free(model);
	record->peak_pending = 1;
	model = build_model(&built, process, NULL);
	is_int(model->backtraces[0].at_peak_bytes, 10, "still at its maximum: what is live, for all");
	model_free(model);
	build_free(&built);
}

static void clamps_what_can_not_be(void)
{
	struct built built = build_new();
	uint32_t process = build_process(&built, 0, 42);
	uint32_t trace = build_trace(&built, process, HT_ENTRY_MALLOC, build_node(&built, process, 0, 0, 0x10));
	struct host_facts ended = { .how_it_ended = "exit:0" }, running = { .how_it_ended = "running" };
	struct model *model;

	build_count(&built, process, 0, trace, 10, 1, 3);
	build_trace_at(&built, process, trace)->peak_bytes = 1000;
	model = build_model(&built, process, &ended);
	is_int(model->backtraces[0].live_bytes, 0, "live is never negative");
	is_int(model->backtraces[0].peak_bytes, 10, "a peak is never above what was ever allocated");
	is_int(model->corrupt_records, 2, "at the end both figures count as corrupt");
	model_free(model);
	model = build_model(&built, process, &running);
	is_int(model->corrupt_records, 0, "of a running process the copy is of slightly different moments");
	model_free(model);
	build_free(&built);
}

static void skips_broken_records(void)
{
	struct built built = build_new();
	uint32_t process = build_process(&built, 0, 42);
	uint32_t good = build_node(&built, process, 0, 0, 0x10), cycle = build_node(&built, process, good, 0, 0x20);
	uint32_t traces[] = { build_trace(&built, process, HT_ENTRY_MALLOC, good),
			      build_trace(&built, process, HT_ENTRY_MALLOC, cycle),
			      build_trace(&built, process, HT_ENTRY_MALLOC, 999999),
			      build_trace(&built, process, HT_ENTRY_COUNT, good),
			      build_trace(&built, process, HT_ENTRY_NEW, good) };
	struct model *model;

	build_node_at(&built, process, cycle)->parent = cycle;
	build_trace_at(&built, process, traces[4])->flags = 0;
	for (size_t i = 0; i < 5; i++)
		build_count(&built, process, 0, traces[i], 10, 1, 0);
	model = build_model(&built, process, NULL);
	is_int(model->backtrace_count, 3, "a wrong entry and a trace that is not valid are no backtraces");
	is_int(model->corrupt_records, 4, "four records are corrupt");
	ok(!model->backtraces[0].truncated, "the sound backtrace is whole");
	ok(model->backtraces[1].truncated && model->backtraces[1].depth == 1, "a node that is its own caller ends the chain");
	ok(model->backtraces[2].truncated && model->backtraces[2].depth == 0, "a node that is not there leaves none");
	model_free(model);
	build_free(&built);
}

static void cuts_endless_chains(void)
{
	struct built built = build_new();
	uint32_t process = build_process(&built, 0, 42), node = 0;
	struct model *model;

	for (unsigned i = 1; i <= 300; i++) {
		node = build_node(&built, process, node, 0, i);
		if (i == HT_MAX_DEPTH)
			build_count(&built, process, 0, build_trace(&built, process, HT_ENTRY_MALLOC, node), 1, 1, 0);
	}
	build_count(&built, process, 0, build_trace(&built, process, HT_ENTRY_MALLOC, node), 1, 1, 0);
	model = build_model(&built, process, NULL);
	ok(!model->backtraces[0].truncated && model->backtraces[0].depth == 256, "256 frames are not too many");
	ok(model->backtraces[1].truncated && model->backtraces[1].depth == 256, "300 are: cut");
	is_int(model->backtraces[1].frames[0]->address, 300, "the innermost ones are kept");
	is_int(model->corrupt_records, 1, "and counted");
	model_free(model);
	build_free(&built);
}

static void keeps_processes_apart(void)
{
	const char *const argv[] = { "/bin/-x/prog", "arg", NULL };
	struct built built = build_new();
	uint32_t parent = build_process(&built, 0, 1), child = build_process(&built, parent, 2), numbers[2] = { 0, 0 };
	struct host_facts host = { .pid = 4242, .end_ns = 77, .how_it_ended = "exit:3" };
	struct snapshot *snapshot;
	struct model *model;

	build_command(&built, parent, argv);
	build_count(&built, parent, 0, build_trace(&built, parent, HT_ENTRY_MALLOC, 0), 1, 1, 0);
	build_count(&built, child, 0, build_trace(&built, child, HT_ENTRY_MALLOC, 0), 1, 2, 0);
	build_record(&built, parent)->start_ns = 50;
	build_record(&built, child)->start_ns = 40;
	snapshot = build_read(&built);
	is_int(snapshot_processes(snapshot, numbers, 2), 2, "two processes");
	ok(numbers[0] == child && numbers[1] == parent, "in the order of their starts");
	is_int(snapshot_process(snapshot, child)->pid, 2, "a process's record");
	ok(!snapshot_process(snapshot, 999), "no record of a process that is not there");
	snapshot_close(snapshot);
	model = build_model(&built, child, &host);
	is_int(model->totals.live_blocks, 2, "the child's own figures");
	is_int(model->pid, 4242, "the host's pid wins");
	is_int(model->now_ns, 77, "the figures are of its end");
	is_int(model->command_count, 2, "the command comes from its parent");
	is_str(model->name, "prog", "base name");
	model_free(model);
	build_free(&built);
}

static void states_the_bound_of_peaks(void)
{
	struct built built = build_seed();
	struct model *model = build_model(&built, 1, NULL);

	is_int(model->peak_bound_bytes, 3 << 12, "threads << quantum_shift");
	is_int(model->corrupt_records, 0, "the seed is sound");
	model_free(model);
	build_record(&built, 1)->flags = 0;
	model = build_model(&built, 1, NULL);
	is_int(model->peak_bound_bytes, 0, "one thread: exact");
	model_free(model);
	build_free(&built);
}

static void goes_on_behind_dead_granules(void)
{
	struct built built = build_new();
	uint32_t process = build_process(&built, 0, 42);
	struct ht_chunk *dead = build_chunk(&built, HT_CHUNK_TRACES, process, 1);
	struct model *model;

	build_count(&built, process, 0, build_trace(&built, process, HT_ENTRY_MALLOC, 0), 1, 1, 0);
	dead->magic = 0; /* died between taking the granule and publishing it */
	dead->first = 7777;
	model = build_model(&built, process, NULL);
	ok(model && model->totals.live_blocks == 0, "(the trace was in the dead granule)");
	model_free(model);
	dead->magic = HT_CHUNK_MAGIC;
	dead->number = 99;
	model = build_model(&built, process, NULL);
	ok(model && model->corrupt_records, "a chunk that is somewhere else is corrupt");
	model_free(model);
	build_free(&built);
}

int main(void)
{
	sums_cells_of_all_threads();
	merges_equal_backtraces();
	attributes_the_peak();
	clamps_what_can_not_be();
	skips_broken_records();
	cuts_endless_chains();
	keeps_processes_apart();
	states_the_bound_of_peaks();
	goes_on_behind_dead_granules();
	return tap_done();
}
