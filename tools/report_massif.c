// SPDX-License-Identifier: MIT

/*
 * massif's output file, for ms_print and massif-visualizer: one process's live bytes over time, with trees of who holds
 * them. The moments are the run's slices; without slices the timeline's points, which have no trees; and always the end
 * and the peak, whose tree is of the very moment of the peak.
 *
 * A tree has the allocator's callers below its root, their callers below them. What is less than a hundredth of its moment
 * is summed up in one line, as massif does it, and so the trees of a large program stay small.
 */

#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "memory.h"
#include "paths.h"
#include "report_common.h"
#include "report_stack.h"
#include "slices.h"
#include "symbols.h"

#define MOST_MOMENTS 100u
#define DETAILED_EACH 10u
#define MOST_DEPTH 90u /* perl warns of recursion that is deeper than 100 */

/** A backtrace as the tree sees it. */
struct path {
	uint32_t backtrace;
	unsigned depth;
	const char **labels; /* kept strings, the allocator's caller first */
};

struct forest {
	FILE *out;
	const struct model *model;
	struct strings texts;
	struct path *paths;    /* so sorted that equal beginnings are neighbours */
	size_t path_count;
	uint64_t *bytes;       /* of each path at the moment */
	uint64_t threshold;
};

/** What is at a moment. */
enum tree { TREE_EMPTY, TREE_DETAILED, TREE_PEAK };

struct moment {
	uint64_t ns, bytes;
	enum tree tree;
	size_t slice;          /* that its tree is of */
	bool is_end;           /* its tree is of the model's own figures */
};

struct moments {
	struct moment *list;
	size_t count;
};

/** One line of text, whatever the string holds. To be freed. */
static char *clean_line(const char *string)
{
	char *clean = utf8_clean(string);

	for (char *c = clean; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
	return clean;
}

/** "0xADDRESS: function (file.c:12)", "... (in /lib/x.so)". */
static const char *keep_label(struct forest *forest, const struct stack_line *line)
{
	const char *function = line->function ? line->function : "???", *kept;
	char *text, *clean;

	if (line->file && line->line)
		text = memory_format("0x%" PRIX64 ": %s (%s:%u)", line->address, function, base_name(line->file), line->line);
	else if (line->module && *line->module->path)
		text = memory_format("0x%" PRIX64 ": %s (in %s)", line->address, function, line->module->path);
	else
		text = memory_format("0x%" PRIX64 ": %s", line->address, function);
	clean = clean_line(text);
	kept = strings_keep(&forest->texts, clean);
	free(clean);
	free(text);
	return kept;
}

static int path_order(const void *a, const void *b)
{
	const struct path *left = a, *right = b;

	for (unsigned i = 0; i < left->depth && i < right->depth; i++) {
		if (left->labels[i] != right->labels[i])
			return strcmp(left->labels[i], right->labels[i]);
	}
	return left->depth < right->depth ? -1 : left->depth > right->depth;
}

static void plant(struct forest *forest, const struct model *model, const struct options *options)
{
	struct stack_lines stack = { 0 };

	forest->model = model;
	forest->paths = memory_zeroed(model->backtrace_count, sizeof(*forest->paths));
	forest->bytes = memory_zeroed(model->backtrace_count, sizeof(*forest->bytes));
	for (uint32_t i = 0; i < model->backtrace_count; i++) {
		struct path *path = &forest->paths[forest->path_count];

		if (model->backtraces[i].ignored)
			continue;
		stack_lines_make(&stack, model, &model->backtraces[i], options->keep_allocator);
		path->backtrace = i;
		path->depth = stack.count < MOST_DEPTH ? (unsigned)stack.count : MOST_DEPTH;
		path->labels = memory_zeroed(path->depth, sizeof(*path->labels));
		for (unsigned j = 0; j < path->depth; j++)
			path->labels[j] = keep_label(forest, &stack.lines[j]);
		forest->path_count++;
	}
	free(stack.lines);
	if (forest->path_count)
		qsort(forest->paths, forest->path_count, sizeof(*forest->paths), path_order);
}

static void fell(struct forest *forest)
{
	for (size_t i = 0; i < forest->path_count; i++)
		free(forest->paths[i].labels);
	free(forest->paths);
	free(forest->bytes);
	strings_free(&forest->texts);
}

/** Paths [first, end) with the same label at some depth. */
struct branch {
	size_t first, end;
	uint64_t bytes;
};

static int branch_order(const void *a, const void *b)
{
	const struct branch *left = a, *right = b;

	if (left->bytes != right->bytes)
		return left->bytes > right->bytes ? -1 : 1;
	return left->first < right->first ? -1 : left->first > right->first;
}

/** What grows out of a node: branches of some size, and the sum of all smaller ones. */
struct crown {
	struct branch *branches;
	size_t count, room;
	uint64_t small_bytes;
	size_t small_count;
};

static void find_branches(const struct forest *forest, const struct branch *node, unsigned depth, struct crown *crown)
{
	for (size_t i = node->first, next; i < node->end; i = next) {
		const char *label = forest->paths[i].depth > depth ? forest->paths[i].labels[depth] : NULL;
		struct branch branch = { .first = i };

		for (next = i; next < node->end && label && forest->paths[next].depth > depth &&
			       forest->paths[next].labels[depth] == label; next++)
			branch.bytes += forest->bytes[next];
		next += !label; /* it ends here */
		branch.end = next;
		if (!branch.bytes)
			continue;
		if (branch.bytes < forest->threshold) {
			crown->small_bytes += branch.bytes;
			crown->small_count++;
			continue;
		}
		crown->branches = memory_grow(crown->branches, crown->count, &crown->room, sizeof(branch));
		crown->branches[crown->count++] = branch;
	}
}

static void put_small(FILE *out, unsigned depth, uint64_t bytes, size_t count)
{
	fprintf(out, "%*sn0: %" PRIu64 " in %zu place%s below massif's threshold (1.00%%)\n", (int)depth, "", bytes, count,
		count == 1 ? "," : "s, all");
}

static void put_node(const struct forest *forest, const struct branch *node, unsigned depth, const char *label)
{
	struct crown crown = { 0 };

	find_branches(forest, node, depth, &crown);
	if (crown.count)
		qsort(crown.branches, crown.count, sizeof(*crown.branches), branch_order);
	fprintf(forest->out, "%*sn%zu: %" PRIu64 " %s\n", (int)depth, "", crown.count + (crown.small_count > 0), node->bytes, label);
	for (size_t i = 0; i < crown.count; i++)
		put_node(forest, &crown.branches[i], depth + 1, forest->paths[crown.branches[i].first].labels[depth]);
	if (crown.small_count)
		put_small(forest->out, depth + 1, crown.small_bytes, crown.small_count);
	free(crown.branches);
}

static void put_tree(struct forest *forest, const struct moment *moment)
{
	struct slice_change *sums = moment->tree == TREE_PEAK || moment->is_end ? NULL : slices_sums(forest->model, moment->slice);
	struct branch root = { .end = forest->path_count };

	for (size_t i = 0; i < forest->path_count; i++) {
		const struct backtrace *backtrace = &forest->model->backtraces[forest->paths[i].backtrace];
		const struct slice_change *sum = sums ? &sums[forest->paths[i].backtrace] : NULL;

		if (sum)
			forest->bytes[i] = sum->allocated_bytes > sum->freed_bytes ? sum->allocated_bytes - sum->freed_bytes : 0;
		else
			forest->bytes[i] = moment->is_end ? backtrace->live_bytes : backtrace->at_peak_bytes;
		root.bytes += forest->bytes[i];
	}
	forest->threshold = root.bytes / 100 + (root.bytes % 100 > 0);
	put_node(forest, &root, 0, "(heap allocation functions) malloc/new/new[], --alloc-fns, etc.");
	free(sums);
}

static void put_moment(struct forest *forest, const struct moment *moment, size_t number)
{
	static const char *const names[] = { [TREE_EMPTY] = "empty", [TREE_DETAILED] = "detailed", [TREE_PEAK] = "peak" };

	fprintf(forest->out, "#-----------\nsnapshot=%zu\n#-----------\ntime=%" PRIu64 "\nmem_heap_B=%" PRIu64
		"\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n", number,
		(moment->ns - forest->model->start_ns) / 1000000, moment->bytes, names[moment->tree]);
	if (moment->tree != TREE_EMPTY)
		put_tree(forest, moment);
}

static void add_moment(struct moments *moments, struct moment moment)
{
	moments->list[moments->count++] = moment;
}

/** Live bytes of a slice without what is ignored. */
static uint64_t bytes_of(const struct model *model, const struct slice_change *sums)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (!model->backtraces[i].ignored && sums[i].allocated_bytes > sums[i].freed_bytes)
			bytes += sums[i].allocated_bytes - sums[i].freed_bytes;
	}
	return bytes;
}

/** Evenly spread slices, but for the last: that is the end. */
static void add_slices(struct moments *moments, const struct model *model)
{
	size_t last = model->slice_count - 1, wanted = last < MOST_MOMENTS ? last : MOST_MOMENTS, next = 0;
	struct slice_change *sums = slices_sums(model, 0);

	for (size_t i = 0; i < last; i++) {
		if (i)
			slices_add(sums, &model->slices[i]);
		if (i < next * last / wanted)
			continue;
		add_moment(moments, (struct moment) {
			.ns = model->slices[i].ns,
			.bytes = bytes_of(model, sums),
			.tree = next % DETAILED_EACH == DETAILED_EACH - 1 ? TREE_DETAILED : TREE_EMPTY,
			.slice = i,
		});
		next++;
	}
	free(sums);
}

/** Evenly spread points of the timeline, but for the last. */
static void add_points(struct moments *moments, const struct model *model)
{
	size_t last = model->timeline_count - 1, wanted = last < MOST_MOMENTS ? last : MOST_MOMENTS;

	for (size_t i = 0; i < wanted; i++) {
		const struct timeline_point *point = &model->timeline[i * last / wanted];

		if (point->live_bytes != UNKNOWN_FIGURE)
			add_moment(moments, (struct moment) { .ns = point->ns, .bytes = point->live_bytes });
	}
}

/** The peak goes where its time is. */
static void insert_peak(struct moments *moments, const struct model *model)
{
	struct moment peak = { .ns = model->totals.peak_ns, .tree = TREE_PEAK };
	size_t at = moments->count;

	for (size_t i = 0; i < model->backtrace_count; i++)
		peak.bytes += model->backtraces[i].ignored ? 0 : model->backtraces[i].at_peak_bytes;
	if (!peak.bytes)
		return;
	if (peak.ns > model->now_ns)
		peak.ns = model->now_ns;
	for (; at && moments->list[at - 1].ns > peak.ns; at--)
		moments->list[at] = moments->list[at - 1];
	moments->list[at] = peak;
	moments->count++;
}

static void collect(struct moments *moments, const struct model *model, const struct figures *figures)
{
	moments->list = memory_zeroed(MOST_MOMENTS + 3, sizeof(*moments->list));
	if (model->slice_count > 1)
		add_slices(moments, model);
	else if (!figures->ignored.backtraces && !figures->filtered.backtraces && model->timeline_count > 1)
		add_points(moments, model);
	else if (model->start_ns < model->now_ns)
		add_moment(moments, (struct moment) { .ns = model->start_ns });
	add_moment(moments, (struct moment) {
		.ns = model->now_ns > model->start_ns ? model->now_ns : model->start_ns,
		.bytes = figures->totals.live_bytes,
		.tree = TREE_DETAILED,
		.is_end = true,
	});
	insert_peak(moments, model);
}

static void put_head(FILE *out, const struct model *model)
{
	fputs("desc: heaptrace " HT_RELEASE "\ncmd:", out);
	for (size_t i = 0; i < model->command_count; i++) {
		char *clean = clean_line(model->command[i]);

		fprintf(out, " %s", clean);
		free(clean);
	}
	fputs("\ntime_unit: ms\n", out);
}

static void explain(const struct model *model, size_t count, const struct options *options)
{
	if (options->quiet)
		return;
	if (count > 1)
		fprintf(stderr, "[heaptrace] note: a massif file holds one process: this is %s (pid %d) of %zu; "
			"--save=%%p.htrace keeps each, 'heaptrace export' converts it\n", model->name, model->pid, count);
	if (model->slice_count < 2)
		fprintf(stderr, "[heaptrace] note: trees are known of the peak and of the end only; with --interval=TIME the run "
			"keeps more\n");
}

int report_massif(FILE *out, struct model **models, size_t count, const struct options *options)
{
	struct forest forest = { .out = out };
	struct moments moments = { 0 };
	struct figures figures;

	if (count) {
		rules_free(figures_make(&figures, models[0], options));
		symbols_name_all(models[0], options);
		put_head(out, models[0]);
		plant(&forest, models[0], options);
		collect(&moments, models[0], &figures);
		for (size_t i = 0; i < moments.count; i++)
			put_moment(&forest, &moments.list[i], i);
		explain(models[0], count, options);
		fell(&forest);
	}
	free(moments.list);
	return fflush(out) || ferror(out) ? -1 : 0;
}
