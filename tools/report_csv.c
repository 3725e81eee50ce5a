// SPDX-License-Identifier: MIT

/*
 * CSV (RFC 4180) for scripts and spreadsheets: a line with the names of the columns, then one line for each backtrace with
 * all its figures, the place that called the allocator, and the whole stack in one cell, as in collapsed stacks.
 */

#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "json.h"
#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "symbols.h"

#define NEWLINE "\r\n"

static void put_figures(FILE *out, const struct backtrace *backtrace)
{
	const uint64_t values[] = { backtrace->live_blocks, backtrace->live_bytes, backtrace->peak_blocks,
				    backtrace->peak_bytes, backtrace->at_peak_blocks, backtrace->at_peak_bytes,
				    backtrace->total_blocks, backtrace->total_bytes, backtrace->first_ns,
				    backtrace->last_ns };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		fprintf(out, "%" PRIu64 ",", values[i]);
}

/** Who called the allocator: function, file, line, module, offset. */
static void put_place(FILE *out, const struct stack_line *line)
{
	char *name = stack_line_name(line);

	csv_cell(out, name);
	fputc(',', out);
	csv_cell(out, line->file ? line->file : "");
	if (line->line)
		fprintf(out, ",%u,", line->line);
	else
		fputs(",,", out);
	csv_cell(out, line->module ? line->module->path : "");
	if (line->module && line->address)
		fprintf(out, ",0x%" PRIx64 ",", line->address - line->module->bias);
	else
		fputs(",,", out);
	free(name);
}

static void put_stack(FILE *out, const struct stack_lines *stack)
{
	char *text = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	for (size_t i = stack->count; memory && i-- > 0;) {
		char *name = stack_line_name(&stack->lines[i]);

		for (char *c = name; *c; c++)
			fputc(*c == ';' ? ':' : *c, memory);
		if (i)
			fputc(';', memory);
		free(name);
	}
	if (memory)
		fclose(memory);
	csv_cell(out, text ? text : "");
	free(text);
}

static void put_model(FILE *out, struct model *model, const struct options *options)
{
	struct stack_lines stack = { 0 };
	struct figures figures;
	struct rules *rules = figures_make(&figures, model, options);

	if (options->group)
		report_groups_csv(out, model, options);
	symbols_name_all(model, options);
	for (size_t i = 0; i < model->backtrace_count && !options->group; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		if (backtrace->ignored)
			continue;
		stack_lines_make(&stack, model, backtrace, options->keep_allocator);
		fprintf(out, "%d,", model->pid);
		csv_cell(out, model->name);
		fputc(',', out);
		put_figures(out, backtrace);
		fprintf(out, "%d,", backtrace->truncated);
		csv_cell(out, entry_name(backtrace->entry));
		fputc(',', out);
		put_place(out, &stack.lines[0]);
		put_stack(out, &stack);
		fputs(NEWLINE, out);
	}
	free(stack.lines);
	rules_free(rules);
}

int report_csv(FILE *out, struct model **models, size_t count, const struct options *options)
{
	if (options->group)
		fprintf(out, "%s" NEWLINE, report_groups_csv_head);
	else
		fputs("pid,program,live_blocks,live_bytes,peak_blocks,peak_bytes,at_peak_blocks,at_peak_bytes,total_blocks,"
		      "total_bytes,first_ns,last_ns,truncated,entry,function,file,line,module,offset,stack" NEWLINE, out);
	for (size_t i = 0; i < count; i++)
		put_model(out, models[i], options);
	return fflush(out) || ferror(out) ? -1 : 0;
}
