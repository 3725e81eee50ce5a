// SPDX-License-Identifier: MIT

/* Groups as the text report, JSON and CSV show them: see group.h. */

#include "group.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "churn.h"
#include "json.h"
#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "units.h"

#define SHOWN_BACKTRACES 3 /* of a group, the largest; all with -v */
#define SHOWN_FUNCTIONS 4  /* of a backtrace, from the one that asked for memory on */

/** A group or a backtrace in the order of a section. */
struct ranked {
	size_t index, group;
	const struct backtrace *figures;
	uint64_t key;
};

/** Blocks and bytes that a section is about. */
struct amount {
	uint64_t blocks, bytes;
};

static struct amount amount_of(const struct backtrace *figures, enum sort_key key)
{
	if (key == SORT_AT_PEAK)
		return (struct amount) { figures->at_peak_blocks, figures->at_peak_bytes };
	if (key == SORT_TOTAL || key == SORT_ALLOCS)
		return (struct amount) { figures->total_blocks, figures->total_bytes };
	if (key == SORT_TEMPORARY && figures->churn)
		return (struct amount) { figures->churn->temporary_blocks, figures->churn->temporary_bytes };
	if (key == SORT_TEMPORARY)
		return (struct amount) { 0, 0 };
	return (struct amount) { figures->live_blocks, figures->live_bytes };
}

static uint64_t key_of(const struct model *model, const struct backtrace *figures, enum sort_key key)
{
	struct amount amount = amount_of(figures, key);

	if (key == SORT_AGE)
		return backtrace_age(model, figures);
	return key == SORT_COUNT || key == SORT_ALLOCS || key == SORT_TEMPORARY ? amount.blocks : amount.bytes;
}

/** Group by group; in each the biggest first; else as they are, which is by live bytes. */
static int rank_order(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->group != right->group)
		return left->group < right->group ? -1 : 1;
	if (left->key != right->key)
		return left->key > right->key ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

static struct ranked *rank_groups(const struct model *model, const struct groups *groups, enum sort_key key, size_t *count)
{
	struct ranked *ranked = memory_zeroed(groups->count + 1, sizeof(*ranked));

	*count = 0;
	for (size_t i = 0; i < groups->count; i++) {
		const struct backtrace *sum = &groups->groups[i].sum;

		if (amount_of(sum, key).blocks)
			ranked[(*count)++] = (struct ranked) { i, 0, sum, key_of(model, sum, key) };
	}
	qsort(ranked, *count, sizeof(*ranked), rank_order);
	return ranked;
}

/** The backtraces that a section is about, those of a group together. */
static struct ranked *rank_members(const struct model *model, const struct groups *groups, enum sort_key key, size_t *count)
{
	struct ranked *ranked = memory_zeroed(model->backtrace_count + 1, sizeof(*ranked));

	*count = 0;
	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		if (groups->group_of[i] != NO_GROUP && amount_of(backtrace, key).blocks)
			ranked[(*count)++] = (struct ranked) { i, groups->group_of[i], backtrace, key_of(model, backtrace, key) };
	}
	qsort(ranked, *count, sizeof(*ranked), rank_order);
	return ranked;
}

/** A section being written. */
struct section {
	FILE *out;
	struct model *model;
	const struct options *options;
	struct groups groups;
	struct ranked *members; /* of all groups */
	size_t member_count;
	enum sort_key key;
	bool bold;
	struct stack_lines stack;
};

static void put_clean(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

static void put_amount(FILE *out, struct amount amount)
{
	fprintf(out, "%s in %" PRIu64 " block%s", units_bytes(amount.bytes).text, amount.blocks, amount.blocks == 1 ? "" : "s");
}

/** How many lines of a stack are worth showing, from one on: what is around main() and a thread's function is the same everywhere. */
static size_t lines_to_show(const struct stack_lines *stack, size_t first)
{
	for (size_t i = 0; i < SHOWN_FUNCTIONS && first + i < stack->count; i++) {
		const char *function = stack->lines[first + i].function;

		if (function && strcmp(function, "main") == 0)
			return i + 1;
		if (function && i && (strncmp(function, "__libc_start_", 13) == 0 || strcmp(function, "start_thread") == 0))
			return i;
	}
	return SHOWN_FUNCTIONS;
}

static void put_member(struct section *section, const struct backtrace *backtrace)
{
	size_t first;
	char *places;

	stack_lines_make(&section->stack, section->model, backtrace, true);
	first = (size_t)(stack_lines_caller(&section->stack) - section->stack.lines);
	places = stack_lines_describe(&section->stack, first, lines_to_show(&section->stack, first));
	fputs("    ", section->out);
	put_amount(section->out, amount_of(backtrace, section->key));
	fputs(": ", section->out);
	put_clean(section->out, places);
	fputc('\n', section->out);
	free(places);
}

/** The first member of a group. */
static const struct ranked *find_members(const struct section *section, size_t group)
{
	size_t low = 0, high = section->member_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (section->members[middle].group < group)
			low = middle + 1;
		else
			high = middle;
	}
	return &section->members[low];
}

static void put_members(struct section *section, size_t group)
{
	const struct ranked *ranked = find_members(section, group), *end = section->members + section->member_count;
	struct amount rest = { 0, 0 };
	size_t count = 0, shown;

	while (ranked + count < end && ranked[count].group == group)
		count++;
	shown = section->options->verbose || count <= SHOWN_BACKTRACES + 1 ? count : SHOWN_BACKTRACES;
	for (size_t i = 0; i < count; i++) {
		struct amount amount = amount_of(ranked[i].figures, section->key);

		if (i < shown)
			put_member(section, ranked[i].figures);
		rest.blocks += i < shown ? 0 : amount.blocks;
		rest.bytes += i < shown ? 0 : amount.bytes;
	}
	if (shown < count) {
		fprintf(section->out, "    %zu more backtraces: ", count - shown);
		put_amount(section->out, rest);
		fputs(" (-v shows all)\n", section->out);
	}
}

static void put_group(struct section *section, size_t number, size_t index)
{
	const struct group *group = &section->groups.groups[index];
	const struct backtrace *sum = &group->sum;
	const char *slash = group->module ? strrchr(group->module->path, '/') : NULL;
	FILE *out = section->out;

	fprintf(out, "%s=== group #%zu: ", section->bold ? "\033[1m" : "", number);
	put_clean(out, group->name);
	if (section->options->group == GROUP_FUNCTION && group->function && slash) {
		fputs(" in ", out);
		put_clean(out, slash + 1);
	}
	fprintf(out, " ===%s [count: %" PRIu64 "] [size: %s] [at peak: %" PRIu64 "/%s]", section->bold ? "\033[0m" : "",
		sum->live_blocks, units_bytes(sum->live_bytes).text, sum->at_peak_blocks, units_bytes(sum->at_peak_bytes).text);
	fprintf(out, " [total: %" PRIu64 "/%s] [age: %s]", sum->total_blocks, units_bytes(sum->total_bytes).text,
		units_age(backtrace_age(section->model, sum)).text);
	churn_tags(out, sum);
	fputc('\n', out);
	put_members(section, index);
	fputc('\n', out);
}

void report_groups_text(FILE *out, struct model *model, const struct options *options, enum sort_key key, bool bold)
{
	struct section section = { .out = out, .model = model, .options = options, .key = key, .bold = bold };
	struct ranked *ranked;
	size_t count;

	groups_make(&section.groups, model, options);
	ranked = rank_groups(model, &section.groups, key, &count);
	section.members = rank_members(model, &section.groups, key, &section.member_count);
	fprintf(out, "[heaptrace] dump allocation status for /proc/%d/maps (%s) by %s, sorted by %s\n", model->pid, model->name,
		group_key_name(options->group), sort_key_name(key));
	for (size_t i = 0; i < count && (!options->top || i < options->top); i++)
		put_group(&section, i + 1, ranked[i].index);
	if (!count)
		fputc('\n', out);
	free(ranked);
	free(section.members);
	free(section.stack.lines);
	groups_free(&section.groups);
}

static void put_json_group(FILE *out, const struct group *group)
{
	const struct backtrace *sum = &group->sum;

	fputs("{\"name\":", out);
	json_string(out, group->name);
	fputs(",\"function\":", out);
	json_string(out, group->function);
	fputs(",\"file\":", out);
	json_string(out, group->file);
	if (group->line)
		fprintf(out, ",\"line\":%u,\"module\":", group->line);
	else
		fputs(",\"line\":null,\"module\":", out);
	json_string(out, group->module ? group->module->path : NULL);
	fputc(',', out);
	json_numbers(out, { "backtraces", group->backtraces }, { "live_blocks", sum->live_blocks },
		     { "live_bytes", sum->live_bytes }, { "at_peak_blocks", sum->at_peak_blocks },
		     { "at_peak_bytes", sum->at_peak_bytes }, { "total_blocks", sum->total_blocks },
		     { "total_bytes", sum->total_bytes }, { "first_ns", sum->first_ns }, { "last_ns", sum->last_ns });
	if (group->thread) {
		fputc(',', out);
		json_thread(out, group->thread);
	}
	if (sum->churn) {
		fputc(',', out);
		churn_json(out, sum->churn);
	}
	fputc('}', out);
}

void report_groups_json(FILE *out, const struct groups *groups, const struct options *options)
{
	fprintf(out, "\"grouped_by\":\"%s\",\"groups\":[", group_key_name(options->group));
	for (size_t i = 0; i < groups->count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_json_group(out, &groups->groups[i]);
	}
	fputs("],\n", out);
}

const char report_groups_csv_head[] =
	"pid,program,group,function,file,line,module,backtraces,live_blocks,live_bytes,at_peak_blocks,at_peak_bytes,total_blocks,"
	"total_bytes,first_ns,last_ns";

static void put_csv_group(FILE *out, const struct model *model, const struct group *group)
{
	const struct backtrace *sum = &group->sum;
	const uint64_t values[] = { group->backtraces, sum->live_blocks, sum->live_bytes, sum->at_peak_blocks, sum->at_peak_bytes,
				    sum->total_blocks, sum->total_bytes, sum->first_ns, sum->last_ns };
	const char *const names[] = { model->name, group->name, group->function, group->file };

	fprintf(out, "%d", model->pid);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		fputc(',', out);
		csv_cell(out, names[i] ? names[i] : "");
	}
	if (group->line)
		fprintf(out, ",%u,", group->line);
	else
		fputs(",,", out);
	csv_cell(out, group->module ? group->module->path : "");
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		fprintf(out, ",%" PRIu64, values[i]);
	fputs("\r\n", out);
}

void report_groups_csv(FILE *out, struct model *model, const struct options *options)
{
	struct groups groups;

	groups_make(&groups, model, options);
	for (size_t i = 0; i < groups.count; i++)
		put_csv_group(out, model, &groups.groups[i]);
	groups_free(&groups);
}
