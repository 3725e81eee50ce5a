// SPDX-License-Identifier: MIT

/*
 * A model's slices: what they say agrees with the model's own figures, whatever a snapshot holds; windows of them are
 * diffs, with the mark on what grew in every interval; massif's file has them all.
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/history.h"
#include "../../tools/memory.h"
#include "../../tools/report.h"
#include "../../tools/slice_code.h"
#include "../../tools/slices.h"
#include "../../tools/times.h"
#include "../lib/build_segment.h"
#include "../lib/tap.h"
#include "../lib/rendered.h"

#define SECOND 1000000000u

/** Traces of the process below, and blocks of 10 bytes that each had allocated and freed at 1, 2, 3 s and has at the end. */
enum { STEADY, GROWING, CHURNING, LATE, TRACES };
static const struct {
	uint64_t allocated[4], freed[4];
} course[TRACES] = {
	[STEADY] = { { 5, 5, 5, 5 }, { 0, 0, 0, 0 } },
	[GROWING] = { { 1, 3, 6, 10 }, { 0, 0, 1, 1 } },
	[CHURNING] = { { 10, 20, 30, 40 }, { 9, 19, 29, 39 } },
	[LATE] = { { 0, 0, 0, 7 }, { 0, 0, 0, 0 } },
};

/** A process of 4 s with these traces; their numbers are in `traces`. */
static struct built build_course(uint32_t *process, uint32_t *traces)
{
	static const char *const command[] = { "/usr/bin/course", NULL };
	struct built built = build_new();
	uint32_t program;

	*process = build_process(&built, 0, 100);
	program = build_module(&built, *process, "/usr/bin/course", 0x400000, 0x500000, "\1\2\3\4\5\6\7\10");
	build_command(&built, *process, command);
	for (uint32_t i = 0; i < TRACES; i++) {
		traces[i] = build_trace(&built, *process, HT_ENTRY_MALLOC,
					build_node(&built, *process, 0, program, 0x401000 + i * 16));
		build_count(&built, *process, i % 2, traces[i], 10, course[i].allocated[3], course[i].freed[3]);
	}
	build_record(&built, *process)->peak_bytes = 300;
	build_record(&built, *process)->peak_blocks = 30;
	build_record(&built, *process)->peak_ns = 2 * (uint64_t)SECOND + 500000000;
	return built;
}

static void add_slice(struct history *history, const uint32_t *traces, unsigned second)
{
	struct slice_writer writer = { 0 };

	for (uint32_t i = 0; i < TRACES; i++) {
		uint64_t allocated = course[i].allocated[second - 1] - (second > 1 ? course[i].allocated[second - 2] : 0);
		uint64_t freed = course[i].freed[second - 1] - (second > 1 ? course[i].freed[second - 2] : 0);

		if (allocated | freed)
			slice_write(&writer, &(struct slice_delta) { traces[i], allocated, allocated * 10, freed, freed * 10 });
	}
	history_add_slice(history, second * (uint64_t)SECOND, second, writer.bytes, writer.size);
}

static struct history *make_history(const uint32_t *traces)
{
	struct history *history = history_new(SECOND);

	history->slice_interval_ns = SECOND;
	for (unsigned second = 1; second <= 3; second++)
		add_slice(history, traces, second);
	return history;
}

/** The model of all that; facts->history is to be freed. */
static struct model *make_model(struct host_facts *facts)
{
	uint32_t process, traces[TRACES];
	struct built built = build_course(&process, traces);
	struct model *model;

	*facts = (struct host_facts) { .how_it_ended = "exit:0", .end_ns = 4 * (uint64_t)SECOND, .history = make_history(traces) };
	model = build_model(&built, process, facts);
	build_free(&built);
	return model;
}

/** Whether the sums of all changes are what the backtraces say. */
static bool agrees(const struct model *model)
{
	struct slice_change *sums = slices_sums(model, model->slice_count - 1);
	const struct slice *last = &model->slices[model->slice_count - 1];
	bool same = last->live_bytes == model->totals.live_bytes && last->live_blocks == model->totals.live_blocks &&
		    last->allocations == model->totals.allocations && last->allocated_bytes == model->totals.allocated_bytes;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		same &= sums[i].allocated_blocks == backtrace->total_blocks && sums[i].allocated_bytes == backtrace->total_bytes &&
			sums[i].freed_blocks == backtrace->freed_blocks && sums[i].freed_bytes == backtrace->freed_bytes;
	}
	free(sums);
	return same;
}

static void agrees_with_the_figures(void)
{
	struct host_facts facts;
	struct model *model = make_model(&facts);

	is_int(model->slice_count, 5, "the start, three slices, the end");
	is_int(model->slices[0].ns, 0, "the start");
	is_int(model->slices[0].change_count, 0, "at which nothing has happened");
	is_int(model->slices[2].live_bytes, 90, "live bytes of a slice");
	is_int(model->slices[2].allocations, 28, "and allocations until then");
	is_int(model->slices[3].change_count, 2, "only what changed is in it");
	is_int(model->slices[4].ns, 4 * (uint64_t)SECOND, "the end");
	ok(agrees(model), "all changes together are the figures of the end");
	model_free(model);
	history_free(facts.history);
}

/** Slices that say more than the end does, of traces that do not exist, after the end: hostile, or of a torn copy. */
static void bears_what_does_not_agree(void)
{
	uint32_t process, traces[TRACES];
	struct built built = build_course(&process, traces);
	struct host_facts facts = { .how_it_ended = "exit:0", .end_ns = 4 * (uint64_t)SECOND };
	struct slice_writer writer = { 0 };
	struct model *model;

	facts.history = make_history(traces);
	slice_write(&writer, &(struct slice_delta) { traces[STEADY], UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX });
	slice_write(&writer, &(struct slice_delta) { traces[STEADY] + 1000000, 1, 1, 1, 1 });
	history_add_slice(facts.history, 3500000000u, 4, writer.bytes, writer.size);
	history_add_slice(facts.history, 9 * (uint64_t)SECOND, 9, NULL, 0);
	model = build_model(&built, process, &facts);
	is_int(model->slice_count, 6, "what is after the end is left out");
	ok(agrees(model), "no slice says more than the end does");
	model_free(model);
	build_record(&built, process)->reset_ns = 2500000000u;
	build_record(&built, process)->first_trace = traces[LATE];
	model = build_model(&built, process, &facts);
	is_int(model->slices[0].ns, 2500000000u, "after a reset it begins there");
	ok(agrees(model) && model->totals.allocations == 7, "and what was before does not count");
	model_free(model);
	history_free(facts.history);
	build_free(&built);
}

/** The text that a window's or a list's report delivers. To be freed. */
static char *report(int (*make)(const char *, const struct models *, const struct options *), struct model *model,
		    struct options *options)
{
	char path[] = "/tmp/window.XXXXXX", *text = memory_zeroed(1, 65536);
	struct models models = { &model, 1 };
	FILE *file;

	close(mkstemp(path));
	options->outfile = path;
	options->lines = false;
	is_int(make("the.htrace", &models, options), 0, "reported");
	file = fopen(path, "r");
	if (fread(text, 1, 65535, file) == 0)
		*text = '\0';
	fclose(file);
	unlink(path);
	return text;
}

static void compares_slices(void)
{
	struct host_facts facts;
	struct model *model = make_model(&facts);
	struct options options;
	char *text;

	options_defaults(&options);
	options.window = true;
	options.window_from = 1100000000;
	options.window_to = 3000000000;
	text = report(window_report, model, &options);
	has(text, "growth of live memory from 1.000 secs (course) to 3.000 secs (course)", "the window's ends");
	has(text, "[count: 1 -> 3 -> 5, +4] [size: 10 bytes -> 30 bytes -> 50 bytes, +40 bytes] [slope: +20 bytes per second]",
	    "figures in each slice");
	has(text, "[allocated: 5, 50 bytes] [freed: 1, 10 bytes] [grew in every interval]", "what happened, and the mark");
	ok(!strstr(text, "backtrace #2"), "what is live as before is not listed");
	has(text, "grew in every interval       : 1\n", "it is counted");
	has(text, "the window begins at 1.000 secs: that is the slice nearest to 1.100 secs", "said where it begins");
	ok(!strstr(text, "the window ends"), "nothing is said of an end that is as it was asked for");
	free(text);
	options.window_from = options.window_to = TIME_OPEN;
	options.format = FORMAT_JSON;
	options.metric = METRIC_TOTAL;
	text = report(window_report, model, &options);
	has(text, "\"bytes\":[0,100,200,300,400]", "what was ever allocated, from the start to the end");
	has(text, "\"bytes\":[0,0,0,0,70]", "what came after the last slice");
	has(text, "\"taken_ns\":3000000000,\"blocks\":41,\"bytes\":410}", "sums of a slice");
	free(text);
	options.format = FORMAT_TEXT;
	text = report(slices_report, model, &options);
	has(text, "     2       2.000 secs       90 bytes          9         12         10         2\n", "a line of the list");
	free(text);
	model_free(model);
	history_free(facts.history);
}

static void follows_backtraces_that_are_added_up(void)
{
	struct host_facts facts;
	struct model *model = make_model(&facts);
	const uint32_t places[TRACES] = { 0, 0, 1, 0 };
	struct slice_change *sums;

	slices_renumber(model, places);
	sums = slices_sums(model, 3);
	is_int(sums[0].allocated_blocks, 11, "of three that are one");
	is_int(sums[1].allocated_blocks, 30, "and one that has moved");
	free(sums);
	model_free(model);
	history_free(facts.history);
}

static void writes_massif(void)
{
	struct host_facts facts;
	struct model *model = make_model(&facts);
	struct options options;
	char *text;

	options_defaults(&options);
	options.lines = false;
	text = rendered(&model, 1, FORMAT_MASSIF, &options);
	has(text, "desc: heaptrace " HT_RELEASE "\ncmd: /usr/bin/course\ntime_unit: ms\n#-----------\nsnapshot=0\n#-----------\ntime=0\nmem_heap_B=0\n",
	    "the beginning");
	has(text, "snapshot=2\n#-----------\ntime=2000\nmem_heap_B=90\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=empty\n#",
	    "a slice");
	has(text, "snapshot=3\n#-----------\ntime=2500\nmem_heap_B=220\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=peak\nn",
	    "the peak, where its time is");
	has(text, "snapshot=5\n#-----------\ntime=4000\nmem_heap_B=220\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=detailed\n"
	    "n4: 220 (heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n n0: 90 0x401010: ??? (in /usr/bin/course)\n",
	    "the end with its tree, the largest first");
	free(text);
	model_free(model);
	history_free(facts.history);
}

static void survives_a_snapshot(void)
{
	uint32_t process, traces[TRACES];
	struct built built = build_course(&process, traces);
	struct snapshot *snapshot = build_read(&built);
	struct host_facts facts = { .how_it_ended = "exit:0", .end_ns = 4 * (uint64_t)SECOND, .history = make_history(traces) };
	char path[] = "/tmp/slices.XXXXXX";
	struct error error = { "" };
	struct model *model;

	close(mkstemp(path));
	history_add(facts.history, &(struct timeline_point) { .ns = SECOND, .live_bytes = 60, .rss = UNKNOWN_FIGURE });
	snapshot_save(snapshot, &process, &facts, 1, path, &error);
	snapshot_close(snapshot);
	snapshot = snapshot_open(path, &error);
	is_int(snapshot_save(snapshot, &process, NULL, 1, path, &error), 0, "saved twice");
	snapshot_close(snapshot);
	snapshot = snapshot_open(path, &error);
	model = snapshot_model(snapshot, process, NULL, &error);
	is_int(model->slice_count, 5, "all slices are in it");
	ok(agrees(model) && !model->corrupt_records, "and agree");
	is_int(model->timeline_count, 3, "so is the timeline");
	ok(model->timeline[1].live_bytes == 60 && model->timeline[1].rss == UNKNOWN_FIGURE, "with what was not known");
	model_free(model);
	snapshot_close(snapshot);
	unlink(path);
	history_free(facts.history);
	build_free(&built);
}

int main(void)
{
	agrees_with_the_figures();
	bears_what_does_not_agree();
	compares_slices();
	follows_backtraces_that_are_added_up();
	writes_massif();
	survives_a_snapshot();
	return tap_done();
}
