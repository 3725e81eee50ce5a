// SPDX-License-Identifier: MIT

/*
 * `heaptrace report --window=FROM..TO`: what grew between two times of a run. The slices of a snapshot are a series of
 * figures of the same backtraces, so this is a diff whose rows need no matching.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "deliver.h"
#include "diff.h"
#include "report_common.h"
#include "slices.h"
#include "times.h"
#include "units.h"

#define MOST_COMPARED 32u /* slices; of more, evenly spread ones are */

/** Two slices, and what is compared between them. */
struct window {
	struct model *model;
	const char *path;
	size_t from, to;
};

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace report: %s\n", text);
	return EXIT_HEAPTRACE;
}

static uint64_t time_of(const struct model *model, size_t slice)
{
	return model->slices[slice].ns - model->start_ns;
}

/** The slice nearest to a time since the process's start. */
static size_t nearest(const struct model *model, uint64_t ns)
{
	size_t best = 0;
	uint64_t distance = UINT64_MAX;

	for (size_t i = 0; i < model->slice_count; i++) {
		uint64_t time = time_of(model, i), this = time > ns ? time - ns : ns - time;

		if (this < distance) {
			best = i;
			distance = this;
		}
	}
	return best;
}

/** @return 0, or the exit code after a message */
static int find_ends(struct window *window, const struct options *options)
{
	const struct model *model = window->model;
	uint64_t last = time_of(model, model->slice_count - 1);
	char text[512];

	window->from = options->window_from == TIME_OPEN ? 0 : nearest(model, options->window_from);
	window->to = options->window_to == TIME_OPEN ? model->slice_count - 1 : nearest(model, options->window_to);
	if (options->window_from != TIME_OPEN && options->window_from > last) {
		snprintf(text, sizeof(text), "the window begins after the run's end: %s (pid %d) ran for %s; 'heaptrace report "
			 "--slices' lists the times that there are", model->name, model->pid, units_age(last).text);
		return complain(text);
	}
	if (window->from < window->to)
		return 0;
	snprintf(text, sizeof(text), "both ends of the window are nearest to the same slice, of %s; give a longer window "
		 "('heaptrace report --slices' lists the times that there are), or run with a shorter --interval",
		 units_age(time_of(model, window->from)).text);
	return complain(text);
}

/** An end that was asked for lies elsewhere: say so. */
static void note_end(struct diff *diff, const struct window *window, const char *which, uint64_t asked, size_t slice)
{
	if (asked == TIME_OPEN || !strcmp(units_age(asked).text, units_age(time_of(window->model, slice)).text))
		return;
	diff_note(diff, memory_format("the window %s at %s: that is the slice nearest to %s", which,
				      units_age(time_of(window->model, slice)).text, units_age(asked).text));
}

static bool any_freed(const struct diff *diff)
{
	for (size_t i = 0; i < diff->row_count; i++) {
		if (diff->rows[i].freed.blocks)
			return true;
	}
	return false;
}

static void note_all(struct diff *diff, const struct window *window, size_t processes)
{
	const struct options *options = diff->options;
	size_t count = window->to - window->from + 1;

	note_end(diff, window, "begins", options->window_from, window->from);
	note_end(diff, window, "ends", options->window_to, window->to);
	if (diff->file_count < count)
		diff_note(diff, memory_format("of %zu slices in the window %zu are compared, evenly spread", count,
					      diff->file_count));
	if (processes > 1)
		diff_note(diff, memory_format("%s holds %zu processes; this is %s, pid %d", window->path, processes,
					      window->model->name, window->model->pid));
	if (any_freed(diff))
		diff_note(diff, memory_copy_string("freed are all blocks of a backtrace that were freed in the window, also "
						   "those allocated before it"));
}

/** The slices that are compared. Labels are to be freed. */
static void make_files(struct diff *diff, const struct window *window, size_t *chosen, struct model **models)
{
	size_t distance = window->to - window->from;
	size_t count = distance + 1 < MOST_COMPARED ? distance + 1 : MOST_COMPARED;

	diff->files = memory_zeroed(count, sizeof(*diff->files));
	diff->file_count = count;
	for (size_t i = 0; i < count; i++) {
		struct diff_file *file = &diff->files[i];

		chosen[i] = window->from + i * distance / (count - 1);
		*file = (struct diff_file) {
			.path = window->path,
			.label = memory_copy_string(units_age(time_of(window->model, chosen[i])).text),
			.taken_ns = window->model->slices[chosen[i]].ns,
			.models = { models, 1 },
			.time = (double)window->model->slices[chosen[i]].ns / 1e9,
		};
	}
}

static void make_rows(struct diff *diff, const struct model *model)
{
	diff->rows = memory_zeroed(model->backtrace_count, sizeof(*diff->rows));
	diff->row_count = model->backtrace_count;
	for (size_t i = 0; i < model->backtrace_count; i++)
		diff->rows[i] = (struct diff_row) {
			.model = model,
			.backtrace = &model->backtraces[i],
			.values = memory_zeroed(diff->file_count, sizeof(struct diff_value)),
			.number = i,
		};
}

static struct diff_value value_of(const struct slice_change *sum, enum flame_metric metric)
{
	struct diff_value value = { sum->allocated_bytes, sum->allocated_blocks, sum->allocated_blocks > 0 };

	if (metric == METRIC_LIVE) {
		value.bytes -= sum->freed_bytes < value.bytes ? sum->freed_bytes : value.bytes;
		value.blocks -= sum->freed_blocks < value.blocks ? sum->freed_blocks : value.blocks;
	}
	return value;
}

/** Enter the figures of one compared slice; what happened in the window grows from the first one on. */
static void enter_values(struct diff *diff, const struct slice_change *sums, size_t file)
{
	for (size_t i = 0; i < diff->row_count; i++) {
		struct diff_row *row = &diff->rows[i];
		struct diff_value value = value_of(&sums[i], diff->options->metric);
		uint64_t sign = file ? 1 : (uint64_t)-1;

		row->values[file] = value;
		if (!row->backtrace->ignored) {
			diff->files[file].bytes += value.bytes;
			diff->files[file].blocks += value.blocks;
		}
		if (file && file + 1 < diff->file_count)
			continue;
		row->allocated.bytes += sign * sums[i].allocated_bytes;
		row->allocated.blocks += sign * sums[i].allocated_blocks;
		row->freed.bytes += sign * sums[i].freed_bytes;
		row->freed.blocks += sign * sums[i].freed_blocks;
	}
}

/** Rows that rules ignore, or that had nothing until the window's end, go. */
static void drop_rows(struct diff *diff)
{
	size_t kept = 0;

	for (size_t i = 0; i < diff->row_count; i++) {
		struct diff_row *row = &diff->rows[i];

		if (row->backtrace->ignored || !row->values[diff->file_count - 1].present)
			free(row->values);
		else
			diff->rows[kept++] = *row;
	}
	diff->row_count = kept;
}

static void fill(struct diff *diff, const struct window *window, const size_t *chosen)
{
	struct slice_change *sums = slices_sums(window->model, chosen[0]);
	size_t next = 1;

	make_rows(diff, window->model);
	enter_values(diff, sums, 0);
	for (size_t i = chosen[0] + 1; i <= window->to; i++) {
		slices_add(sums, &window->model->slices[i]);
		if (next < diff->file_count && chosen[next] == i)
			enter_values(diff, sums, next++);
	}
	free(sums);
	drop_rows(diff);
	diff_order(diff);
}

static int write_window(const struct window *window, struct diff *diff, size_t processes)
{
	const struct options *options = diff->options;
	size_t chosen[MOST_COMPARED];
	struct model *models[] = { window->model };
	struct figures figures;
	int status;

	rules_free(figures_make(&figures, window->model, options));
	make_files(diff, window, chosen, models);
	fill(diff, window, chosen);
	note_all(diff, window, processes);
	status = deliver("report", options, window->model,
			 options->format == FORMAT_JSON ? diff_json : options->format == FORMAT_COLLAPSED ? diff_collapsed : diff_text,
			 diff);
	for (size_t i = 0; i < diff->file_count; i++)
		free((char *)diff->files[i].label);
	free(diff->files);
	return status;
}

int window_report(const char *path, const struct models *models, const struct options *options)
{
	struct diff diff = { .options = options, .flows = true, .same_run = true };
	struct error error;
	struct window window = { .model = slices_model(models, path, &error), .path = path };
	int status;

	if (!window.model)
		return complain(error.text);
	if (options->metric == METRIC_AT_PEAK)
		return complain("a window has no peak of its own; use --flame-graph=live or total");
	status = find_ends(&window, options);
	if (status)
		return status;
	status = write_window(&window, &diff, models->count);
	diff_free(&diff);
	return status;
}
