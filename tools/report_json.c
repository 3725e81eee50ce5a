// SPDX-License-Identifier: MIT

/*
 * The JSON report: one document with all processes and all backtraces. Strings come from strangers (paths, arguments,
 * symbols): bytes that are no UTF-8 become U+FFFD, so that the document always is valid.
 */

#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "churn.h"
#include "group.h"
#include "json.h"
#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "rules.h"
#include "symbols.h"
#include "tree.h"

static void put_frame(FILE *out, uint64_t address, const struct module *module, const struct frame_name *name)
{
	fprintf(out, "{\"address\":\"0x%" PRIx64 "\",\"module\":", address);
	json_string(out, module ? module->path : NULL);
	fputs(",\"build_id\":", out);
	json_build_id(out, module);
	if (module)
		fprintf(out, ",\"offset\":\"0x%" PRIx64 "\"", address - module->bias);
	else
		fputs(",\"offset\":null", out);
	fputs(",\"function\":", out);
	json_string(out, name->function);
	fputs(",\"file\":", out);
	json_string(out, name->file);
	if (name->file && name->line)
		fprintf(out, ",\"line\":%u", name->line);
	else
		fputs(",\"line\":null", out);
	fprintf(out, ",\"inlined\":%s}", name->inlined ? "true" : "false");
}

void report_json_frames(FILE *out, const struct model *model, const struct backtrace *backtrace)
{
	const struct module *self = model_self(model);
	struct frame_name entry = { .function = entry_name(backtrace->entry) };

	fputs("\"frames\":[", out);
	put_frame(out, model->entries[backtrace->entry], self, &entry);
	for (unsigned i = 0; i < backtrace->depth; i++) {
		const struct frame *frame = backtrace->frames[i];

		for (unsigned j = 0; j < frame->name_count; j++) {
			fputc(',', out);
			put_frame(out, frame->address, frame->module, &frame->names[j]);
		}
	}
	fputc(']', out);
}

/** Of --fold-recursion; counted in entries of "frames", where inlined functions have their own. */
static void put_folds(FILE *out, const struct model *model, const struct backtrace *backtrace)
{
	unsigned starts[HT_MAX_DEPTH + 1] = { 1 };

	for (unsigned i = 0; i < backtrace->depth && i < HT_MAX_DEPTH; i++)
		starts[i + 1] = starts[i] + backtrace->frames[i]->name_count;
	fputc(',', out);
	json_number(out, "merged", backtrace->merged);
	fputs(",\"recursions\":[", out);
	for (unsigned i = 0; i < backtrace->fold_count; i++) {
		const struct fold *fold = &model->folds[backtrace->folds + i];

		fprintf(out, "%s{\"first\":%u,\"count\":%u,\"least\":%u,\"most\":%u}", i ? "," : "", starts[fold->at],
			starts[fold->at + fold->length] - starts[fold->at], fold->least, fold->most);
	}
	fputc(']', out);
}

static void put_backtrace(FILE *out, const struct model *model, const struct backtrace *backtrace,
			  struct stack_lines *stack)
{
	fputc('{', out);
	json_numbers(out, { "live_blocks", backtrace->live_blocks }, { "live_bytes", backtrace->live_bytes },
		     { "peak_blocks", backtrace->peak_blocks }, { "peak_bytes", backtrace->peak_bytes },
		     { "at_peak_blocks", backtrace->at_peak_blocks }, { "at_peak_bytes", backtrace->at_peak_bytes },
		     { "total_blocks", backtrace->total_blocks }, { "total_bytes", backtrace->total_bytes },
		     { "first_ns", backtrace->first_ns }, { "last_ns", backtrace->last_ns });
	fprintf(out, ",\"truncated\":%s,", backtrace->truncated ? "true" : "false");
	report_json_frames(out, model, backtrace);
	stack_lines_make(stack, model, backtrace, true);
	fputc(',', out);
	json_number(out, "allocator_frames", stack_lines_hidden(stack));
	if (backtrace->thread) {
		fputc(',', out);
		json_thread(out, backtrace->thread);
	}
	if (backtrace->churn) {
		fputc(',', out);
		churn_json(out, backtrace->churn);
	}
	if (model->folded)
		put_folds(out, model, backtrace);
}

/** `group_of` each backtrace, or NULL. */
static void put_backtraces(FILE *out, const struct model *model, const uint32_t *group_of)
{
	struct stack_lines stack = { 0 };
	const char *separator = "\n";

	fputs("\"backtraces\":[", out);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (model->backtraces[i].ignored)
			continue;
		fputs(separator, out);
		put_backtrace(out, model, &model->backtraces[i], &stack);
		if (group_of)
			fprintf(out, ",\"group\":%" PRIu32, group_of[i]);
		fputc('}', out);
		separator = ",\n";
	}
	fputs("]", out);
	free(stack.lines);
}

static void put_totals(FILE *out, const struct totals *totals)
{
	fputs("\"totals\":{", out);
	json_numbers(out, { "allocations", totals->allocations }, { "frees", totals->frees },
		     { "allocated_bytes", totals->allocated_bytes }, { "live_blocks", totals->live_blocks },
		     { "live_bytes", totals->live_bytes }, { "peak_blocks", totals->peak_blocks },
		     { "peak_bytes", totals->peak_bytes }, { "peak_ns", totals->peak_ns });
	fputs("},\n", out);
}

/** Only with --churn. */
static void put_churn(FILE *out, const struct model *model)
{
	struct churn sum = churn_sum(model);

	if (!(model->option_flags & HT_OPTION_CHURN))
		return;
	churn_json(out, &sum);
	fputs(",\n", out);
}

static void put_unseen(FILE *out, const struct model *model)
{
	fputs("\"unseen\":{", out);
	json_numbers(out, { "nested_allocations", model->nested_allocations }, { "inherited_frees", model->inherited_frees },
		     { "table_full", model->table_full }, { "corrupt_records", model->corrupt_records });
	fprintf(out, ",\"recording_stopped\":%s", model->process_flags & HT_PROCESS_HAS_GAPS ? "true" : "false");
	fputs(",\"untraced_children\":[", out);
	for (size_t i = 0; i < model->host.untraced_count; i++) {
		fputs(i ? ",{\"pid\":" : "{\"pid\":", out);
		if (model->host.untraced[i].pid)
			fprintf(out, "%d,\"reason\":", model->host.untraced[i].pid);
		else
			fputs("null,\"reason\":", out);
		json_string(out, model->host.untraced[i].reason);
		fputc('}', out);
	}
	fputs("]},\n", out);
}

/** Modules that have no names because their files are not what they were during the run. */
static void put_unnamed(FILE *out, const struct model *model)
{
	const char *separator = "";

	fputs("\"unnamed_modules\":[", out);
	for (size_t i = 0; i < model->module_count; i++) {
		const struct module *module = &model->modules[i];

		if (!module->remark)
			continue;
		fprintf(out, "%s{\"module\":", separator);
		json_string(out, module->path);
		fputs(",\"build_id\":", out);
		json_build_id(out, module);
		fputs(",\"reason\":", out);
		json_string(out, module->remark);
		fputc('}', out);
		separator = ",";
	}
	fputs("],\n", out);
}

static void put_left_out(FILE *out, const char *key, const struct left_out *left_out)
{
	fprintf(out, "\"%s\":{", key);
	json_numbers(out, { "backtraces", left_out->backtraces }, { "live_blocks", left_out->blocks },
		     { "live_bytes", left_out->bytes });
	fputs("},", out);
}

/** What explains the figures: how exact the peaks are, what rules and filters took away, which names are missing. */
static void put_extra(FILE *out, const struct model *model, const struct figures *figures)
{
	fputs("\"peak_bound\":{", out);
	json_numbers(out, { "blocks", model->peak_bound_blocks }, { "bytes", model->peak_bound_bytes });
	fputs("},", out);
	put_left_out(out, "ignored", &figures->ignored);
	put_left_out(out, "filtered", &figures->filtered);
	fputc('\n', out);
	put_unnamed(out, model);
}

static void put_figure(FILE *out, const char *key, uint64_t value)
{
	fputc(',', out);
	if (value == UNKNOWN_FIGURE)
		fprintf(out, "\"%s\":null", key);
	else
		json_number(out, key, value);
}

static void put_timeline(FILE *out, const struct model *model)
{
	fputs("\"timeline\":[", out);
	for (size_t i = 0; i < model->timeline_count; i++) {
		const struct timeline_point *point = &model->timeline[i];

		fputs(i ? ",\n{" : "\n{", out);
		json_number(out, "ns", point->ns);
		put_figure(out, "live_bytes", point->live_bytes);
		put_figure(out, "live_blocks", point->live_blocks);
		put_figure(out, "allocations", point->allocations);
		put_figure(out, "allocated_bytes", point->allocated_bytes);
		put_figure(out, "rss", point->rss);
		put_figure(out, "allocator_arena", point->allocator_arena);
		put_figure(out, "allocator_hblkhd", point->allocator_hblkhd);
		put_figure(out, "allocator_uordblks", point->allocator_uordblks);
		fputc('}', out);
	}
	fputs("],\n", out);
}

static void put_grouped(FILE *out, struct model *model, const struct options *options)
{
	struct groups groups;

	groups_make(&groups, model, options);
	report_groups_json(out, &groups, options);
	put_backtraces(out, model, groups.group_of);
	groups_free(&groups);
}

/** `parent` is an index in "processes", or TREE_NO_PARENT. */
static void put_process(FILE *out, struct model *model, size_t parent, const struct options *options)
{
	struct figures figures;
	struct rules *rules = figures_make(&figures, model, options);
	uint64_t duration = model->now_ns > model->start_ns ? model->now_ns - model->start_ns : 0;

	symbols_name_all(model, options);
	fprintf(out, "{\"pid\":%d,\"ppid\":%d,", model->pid, model->ppid);
	json_command(out, model);
	fputs(",\"how_it_ended\":", out);
	json_string(out, model->host.how_it_ended[0] ? model->host.how_it_ended : NULL);
	fputc(',', out);
	json_numbers(out, { "started_ns", model->start_ns }, { "duration_ns", duration });
	if (parent != TREE_NO_PARENT)
		fprintf(out, ",\"parent\":%zu,\n", parent);
	else
		fputs(",\"parent\":null,\n", out);
	put_totals(out, &figures.totals);
	put_churn(out, model);
	put_unseen(out, model);
	put_extra(out, model, &figures);
	put_timeline(out, model);
	if (options->group)
		put_grouped(out, model, options);
	else
		put_backtraces(out, model, NULL);
	fputc('}', out);
	rules_free(rules);
}

/** Who started whom. @return an array to be freed */
static size_t *find_parents(struct model **models, size_t count)
{
	struct tree_process *processes = memory_zeroed(count + 1, sizeof(*processes));
	size_t *parents = memory_zeroed(count + 1, sizeof(*parents));

	for (size_t i = 0; i < count; i++)
		tree_fill(&processes[i], models[i], &models[i]->totals);
	tree_parents(processes, count, parents);
	free(processes);
	return parents;
}

int report_json(FILE *out, struct model **models, size_t count, const struct options *options)
{
	size_t *parents = find_parents(models, count);

	fputs("{\"version\":1,\"heaptrace\":\"" HT_RELEASE "\",", out);
	json_command(out, count ? models[0] : NULL);
	fputs(",\"processes\":[", out);
	for (size_t i = 0; i < count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_process(out, models[i], parents[i], options);
	}
	fputs("\n]}\n", out);
	free(parents);
	return fflush(out) || ferror(out) ? -1 : 0;
}
