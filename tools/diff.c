// SPDX-License-Identifier: MIT

/*
 * The backtraces of several snapshots, matched: see diff.h. The keys of a backtrace's frames lead through a tree, one level
 * for each frame; the node where it ends stands for the backtrace in all files.
 */

#include "diff.h"

#include <stdlib.h>
#include <string.h>

#include "report_common.h"
#include "symbols.h"

#define MOST_TRIED 64 /* rows that are looked at to find the one that a rebuilt program's row continues */

/** A tree of keys. */
struct tree {
	struct table children; /* (node, key) to node */
	uint32_t count;
};

struct matching {
	struct diff *diff;
	struct diff_keys keys;
	struct tree exact, loose;
	struct table rows;     /* exact node to row + 1 */
};

void diff_note(struct diff *diff, char *note)
{
	diff->notes = memory_grow(diff->notes, diff->note_count, &diff->note_room, sizeof(*diff->notes));
	diff->notes[diff->note_count++] = note;
}

static uint32_t step(struct tree *tree, uint32_t node, uint64_t key)
{
	bool fresh;
	uint32_t *child = table_at(&tree->children, node, key, &fresh);

	if (fresh)
		*child = ++tree->count;
	return *child;
}

static uint32_t node_of(struct matching *matching, struct tree *tree, const struct backtrace *backtrace, bool loose)
{
	uint32_t node = step(tree, 0, (uint64_t)backtrace->entry * 2 + backtrace->truncated);

	for (unsigned i = 0; i < backtrace->depth; i++)
		node = step(tree, node, diff_key(&matching->keys, backtrace->frames[i], loose));
	return node;
}

static struct diff_row *row_of(struct matching *matching, const struct backtrace *backtrace)
{
	struct diff *diff = matching->diff;
	bool fresh;
	uint32_t *number = table_at(&matching->rows, node_of(matching, &matching->exact, backtrace, false), 0, &fresh);

	if (fresh) {
		*number = (uint32_t)diff->row_count;
		diff->rows = memory_grow(diff->rows, diff->row_count, &diff->row_room, sizeof(*diff->rows));
		diff->rows[diff->row_count++] = (struct diff_row) {
			.values = memory_zeroed(diff->file_count, sizeof(struct diff_value)),
			.number = *number,
		};
	}
	return &diff->rows[*number];
}

static void add_model(struct matching *matching, const struct model *model, size_t file)
{
	struct diff *diff = matching->diff;
	enum flame_metric metric = diff->options->metric;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];
		uint64_t bytes = backtrace_metric_bytes(backtrace, metric), blocks = backtrace_metric_blocks(backtrace, metric);
		struct diff_row *row;

		if (backtrace->ignored || !blocks)
			continue;
		row = row_of(matching, backtrace);
		row->model = model;
		row->backtrace = backtrace;
		row->values[file].bytes += bytes;
		row->values[file].blocks += blocks;
		row->values[file].present = true;
		diff->files[file].bytes += bytes;
		diff->files[file].blocks += blocks;
	}
}

static bool are_disjoint(const struct diff *diff, const struct diff_row *a, const struct diff_row *b)
{
	for (size_t i = 0; i < diff->file_count; i++) {
		if (a->values[i].present && b->values[i].present)
			return false;
	}
	return true;
}

/** Put a row's figures into another, which is shown as the one of the newer file. */
static void merge(const struct diff *diff, struct diff_row *into, struct diff_row *from)
{
	for (size_t i = 0; i < diff->file_count; i++) {
		if (!from->values[i].present)
			continue;
		into->values[i] = from->values[i];
		into->model = from->model;
		into->backtrace = from->backtrace;
	}
	free(from->values);
	from->values = NULL;
}

/**
 * A rebuilt program's lines move when something is inserted above them: what was only in some files continues what was
 * only in the others if all functions are the same, in the order in which they were first seen.
 */
static void merge_moved(struct matching *matching)
{
	struct diff *diff = matching->diff;
	uint32_t *next = memory_zeroed(diff->row_count, sizeof(*next)); /* row + 1 of the same functions */
	struct table heads = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < diff->row_count; i++) {
		struct diff_row *row = &diff->rows[i];
		bool fresh;
		uint32_t *head = table_at(&heads, node_of(matching, &matching->loose, row->backtrace, true), 0, &fresh), at;
		uint32_t last = 0;
		unsigned tried = 0;

		for (at = *head; at && tried < MOST_TRIED && !are_disjoint(diff, &diff->rows[at - 1], row); at = next[at - 1]) {
			last = at;
			tried++;
		}
		if (at && tried < MOST_TRIED)
			merge(diff, &diff->rows[at - 1], row);
		else if (last && tried < MOST_TRIED)
			next[last - 1] = (uint32_t)i + 1;
		else if (!*head)
			*head = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < diff->row_count; i++) {
		if (diff->rows[i].values)
			diff->rows[kept++] = diff->rows[i];
	}
	diff->row_count = kept;
	table_free(&heads);
	free(next);
}

/** The least squares' line through the bytes over time. */
static double slope_of(const struct diff *diff, const struct diff_row *row)
{
	double n = (double)diff->file_count, times = 0, bytes = 0, squares = 0, products = 0, spread;

	for (size_t i = 0; i < diff->file_count; i++) {
		double time = diff->files[i].time, value = (double)row->values[i].bytes;

		times += time;
		bytes += value;
		squares += time * time;
		products += time * value;
	}
	spread = n * squares - times * times;
	return spread > 0 ? (n * products - times * bytes) / spread : 0;
}

static void sum_up(const struct diff *diff, struct diff_row *row)
{
	const struct diff_value *first = &row->values[0], *last = &row->values[diff->file_count - 1];

	row->growth_bytes = (int64_t)(last->bytes - first->bytes);
	row->growth_blocks = (int64_t)(last->blocks - first->blocks);
	row->slope = slope_of(diff, row);
	row->grew_always = diff->file_count > 2;
	for (size_t i = 1; i < diff->file_count; i++)
		row->grew_always &= row->values[i].bytes > row->values[i - 1].bytes;
}

static bool has_changed(const struct diff *diff, const struct diff_row *row)
{
	for (size_t i = 1; i < diff->file_count; i++) {
		if (row->values[i].bytes != row->values[0].bytes || row->values[i].blocks != row->values[0].blocks)
			return true;
	}
	return false;
}

/** What has changed first, then the biggest growth. */
static int row_order(const void *a, const void *b, void *context)
{
	const struct diff *diff = context;
	const struct diff_row *l = a, *r = b;
	bool left = has_changed(diff, l), right = has_changed(diff, r);

	if (left != right)
		return left ? -1 : 1;
	if (l->growth_bytes != r->growth_bytes)
		return l->growth_bytes > r->growth_bytes ? -1 : 1;
	if (l->growth_blocks != r->growth_blocks)
		return l->growth_blocks > r->growth_blocks ? -1 : 1;
	return l->number < r->number ? -1 : l->number > r->number;
}

size_t diff_changed(const struct diff *diff)
{
	size_t count = 0;

	while (count < diff->row_count && has_changed(diff, &diff->rows[count]))
		count++;
	return count;
}

void diff_order(struct diff *diff)
{
	for (size_t i = 0; i < diff->row_count; i++)
		sum_up(diff, &diff->rows[i]);
	if (diff->row_count)
		qsort_r(diff->rows, diff->row_count, sizeof(*diff->rows), row_order, diff);
}

void diff_make(struct diff *diff)
{
	struct matching matching = { .diff = diff };

	diff_keys_make(&matching.keys, diff);
	for (size_t i = 0; i < diff->file_count; i++) {
		for (size_t j = 0; j < diff->files[i].models.count; j++)
			add_model(&matching, diff->files[i].models.models[j], i);
	}
	if (matching.keys.any_rebuilt)
		merge_moved(&matching);
	diff_order(diff);
	diff_keys_free(&matching.keys);
	table_free(&matching.exact.children);
	table_free(&matching.loose.children);
	table_free(&matching.rows);
}

/** Frames are named model by model: each has modules of its own. */
static void name_model(const struct diff *diff, size_t count, struct model *model)
{
	struct frame **frames = memory_zeroed(model->frame_count, sizeof(*frames));
	bool *wanted = memory_zeroed(model->frame_count, sizeof(*wanted));
	size_t named = 0;

	for (size_t i = 0; i < count; i++) {
		const struct diff_row *row = &diff->rows[i];

		for (unsigned j = 0; row->model == model && j < row->backtrace->depth; j++)
			wanted[row->backtrace->frames[j] - model->frames] = true;
	}
	for (size_t i = 0; i < model->frame_count; i++) {
		if (wanted[i])
			frames[named++] = &model->frames[i];
	}
	symbols_name(model, frames, named, diff->options);
	free(wanted);
	free(frames);
}

void diff_name(const struct diff *diff, size_t count)
{
	for (size_t i = 0; i < diff->file_count; i++) {
		bool again = i && diff->files[i].models.models == diff->files[i - 1].models.models; /* slices of one file */

		for (size_t j = 0; !again && j < diff->files[i].models.count; j++)
			name_model(diff, count, diff->files[i].models.models[j]);
	}
}

void diff_free(struct diff *diff)
{
	for (size_t i = 0; i < diff->row_count; i++)
		free(diff->rows[i].values);
	for (size_t i = 0; i < diff->note_count; i++)
		free(diff->notes[i]);
	free(diff->rows);
	free(diff->notes);
}
