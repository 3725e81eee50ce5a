// SPDX-License-Identifier: MIT

/*
 * DHAT's JSON, version 2: for valgrind's dh_view.html and the Firefox Profiler. Its "PPs" are our backtraces.
 *
 * DHAT adds up the lifetimes of blocks; we do not know them. A `tl` of 0 would be shown as an average lifetime of 0 ns, so
 * there is none, which dh_view shows as no number; the mode says why, and `tuth` lets nothing count as short-lived.
 *
 * dh_view takes each stack once. Backtraces that differ in what a stack does not show (their threads, their entry points)
 * are added up; of their own peaks the least that it can have been stands there.
 */

#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "symbols.h"

/** A stack with its figures. */
struct point {
	const char *stack;       /* indices in ftbl, as they are printed */
	uint64_t total_bytes, total_blocks, peak_bytes, peak_blocks, at_peak_bytes, at_peak_blocks, live_bytes, live_blocks;
};

struct document {
	FILE *out;
	struct strings texts;
	struct table known;      /* address of the one copy to index in `frames` */
	const char **frames;     /* ftbl */
	size_t count, room;
	struct table stacks;     /* address of the one copy to index in `points` */
	struct point *points;    /* pps */
	size_t point_count, point_room;
	const struct options *options;
};

static uint32_t frame_index(struct document *document, const char *text)
{
	const char *kept = strings_keep(&document->texts, text);
	bool fresh;
	uint32_t *index = table_at(&document->known, (uintptr_t)kept, 0, &fresh);

	if (fresh) {
		*index = (uint32_t)document->count;
		document->frames = memory_grow(document->frames, document->count, &document->room, sizeof(*document->frames));
		document->frames[document->count++] = kept;
	}
	return *index;
}

/** "0xADDRESS: function (file.c:12)" or "(in /lib/x.so)", as both readers take it apart. */
static char *line_text(const struct stack_line *line)
{
	const char *function = line->function ? line->function : "???";

	if (line->file && line->line)
		return memory_format("0x%" PRIX64 ": %s (%s:%u)", line->address, function, line->file, line->line);
	if (line->file)
		return memory_format("0x%" PRIX64 ": %s (%s)", line->address, function, line->file);
	if (line->module && *line->module->path)
		return memory_format("0x%" PRIX64 ": %s (in %s)", line->address, function, line->module->path);
	return memory_format("0x%" PRIX64 ": %s", line->address, function);
}

/** The indices of a stack's frames. @return the one copy of the text */
static const char *stack_text(struct document *document, const struct stack_lines *stack, const char *root)
{
	char *text = NULL;
	const char *kept;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	for (size_t i = 0; memory && i < stack->count; i++) {
		char *line = line_text(&stack->lines[i]);

		fprintf(memory, "%s%" PRIu32, i ? "," : "", frame_index(document, line));
		free(line);
	}
	if (memory && root)
		fprintf(memory, ",%" PRIu32, frame_index(document, root));
	if (memory)
		fclose(memory);
	kept = strings_keep(&document->texts, text ? text : "");
	free(text);
	return kept;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add_point(struct document *document, const char *stack, const struct backtrace *backtrace)
{
	bool fresh;
	uint32_t *index = table_at(&document->stacks, (uintptr_t)stack, 0, &fresh);
	struct point *point;

	if (fresh) {
		*index = (uint32_t)document->point_count;
		document->points = memory_grow(document->points, document->point_count, &document->point_room,
					       sizeof(*document->points));
		document->points[document->point_count++] = (struct point) { .stack = stack };
	}
	point = &document->points[*index];
	point->total_bytes += backtrace->total_bytes;
	point->total_blocks += backtrace->total_blocks;
	point->at_peak_bytes += backtrace->at_peak_bytes;
	point->at_peak_blocks += backtrace->at_peak_blocks;
	point->live_bytes += backtrace->live_bytes;
	point->live_blocks += backtrace->live_blocks;
	point->peak_bytes = larger(larger(point->peak_bytes, backtrace->peak_bytes),
				   larger(point->at_peak_bytes, point->live_bytes));
	point->peak_blocks = larger(larger(point->peak_blocks, backtrace->peak_blocks),
				    larger(point->at_peak_blocks, point->live_blocks));
}

/** Of several processes each has a root of its own in the tree. */
static void add_model(struct document *document, struct model *model, bool several)
{
	struct stack_lines stack = { 0 };
	struct figures figures;
	struct rules *rules = figures_make(&figures, model, document->options);
	char *root = several ? memory_format("0x0: %s (in process %d)", model->name, model->pid) : NULL;

	symbols_name_all(model, document->options);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (model->backtraces[i].ignored)
			continue;
		stack_lines_make(&stack, model, &model->backtraces[i], document->options->keep_allocator);
		add_point(document, stack_text(document, &stack, root), &model->backtraces[i]);
	}
	free(root);
	free(stack.lines);
	rules_free(rules);
}

static char *command_line(const struct model *model)
{
	char *line = memory_copy_string("");

	for (size_t i = 0; i < model->command_count; i++) {
		char *longer = memory_format("%s%s%s", line, i ? " " : "", model->command[i]);

		free(line);
		line = longer;
	}
	return line;
}

static uint64_t since(const struct model *model, uint64_t ns)
{
	return ns > model->start_ns ? ns - model->start_ns : 0;
}

static void put_head(FILE *out, const struct model *model)
{
	char *command = model ? command_line(model) : NULL;

	fputs("{\"dhatFileVersion\":2,\"mode\":\"heaptrace (lifetimes are not known)\",\"verb\":\"Allocated\",\"bklt\":true,\"bkacc\":false,\n"
	      "\"tu\":\"ns\",\"Mtu\":\"ms\",\"tuth\":-1,\n\"cmd\":", out);
	json_string(out, command ? command : "");
	fprintf(out, ",\"pid\":%d,\"te\":%" PRIu64 ",\"tg\":%" PRIu64 ",\n\"pps\":[\n", model ? model->pid : 0,
		model ? since(model, model->now_ns) : 0, model ? since(model, model->totals.peak_ns) : 0);
	free(command);
}

static void put_points(const struct document *document)
{
	for (size_t i = 0; i < document->point_count; i++) {
		const struct point *point = &document->points[i];

		fputs(i ? ",\n{" : "{", document->out);
		json_numbers(document->out, { "tb", point->total_bytes }, { "tbk", point->total_blocks },
			     { "mb", point->peak_bytes }, { "mbk", point->peak_blocks },
			     { "gb", point->at_peak_bytes }, { "gbk", point->at_peak_blocks },
			     { "eb", point->live_bytes }, { "ebk", point->live_blocks });
		fprintf(document->out, ",\"fs\":[%s]}", point->stack);
	}
}

static void put_frame_table(const struct document *document)
{
	fputs("],\n\"ftbl\":[", document->out);
	for (size_t i = 0; i < document->count; i++) {
		if (i)
			fputs(",\n", document->out);
		json_string(document->out, document->frames[i]);
	}
	fputs("]}\n", document->out);
}

int report_dhat(FILE *out, struct model **models, size_t count, const struct options *options)
{
	struct document document = { .out = out, .options = options };

	frame_index(&document, "[root]");
	for (size_t i = 0; i < count; i++)
		add_model(&document, models[i], count > 1);
	put_head(out, count ? models[0] : NULL);
	put_points(&document);
	put_frame_table(&document);
	free(document.points);
	free(document.frames);
	table_free(&document.stacks);
	table_free(&document.known);
	strings_free(&document.texts);
	return fflush(out) || ferror(out) ? -1 : 0;
}
