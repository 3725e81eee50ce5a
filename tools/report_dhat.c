// SPDX-License-Identifier: MIT

/*
 * DHAT's JSON, version 2: for valgrind's dh_view.html and the Firefox Profiler. Its "PPs" are our backtraces.
 *
 * DHAT adds up the lifetimes of blocks; we do not know them. `tl` is 0 therefore, and `tuth` is below it, so that nothing
 * counts as short-lived.
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

struct document {
	FILE *out;
	struct strings texts;
	struct table known;      /* address of the one copy to index in `frames` */
	const char **frames;     /* ftbl */
	size_t count, room;
	const char *separator;
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

static void put_stack(struct document *document, const struct stack_lines *stack, const char *root)
{
	fputs("\"fs\":[", document->out);
	for (size_t i = 0; i < stack->count; i++) {
		char *text = line_text(&stack->lines[i]);

		fprintf(document->out, "%s%" PRIu32, i ? "," : "", frame_index(document, text));
		free(text);
	}
	if (root)
		fprintf(document->out, ",%" PRIu32, frame_index(document, root));
	fputs("]}", document->out);
}

static void put_backtrace(struct document *document, const struct backtrace *backtrace)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "tb", backtrace->total_bytes },    { "tbk", backtrace->total_blocks },  { "tl", 0 },
		{ "mb", backtrace->peak_bytes },     { "mbk", backtrace->peak_blocks },
		{ "gb", backtrace->at_peak_bytes },  { "gbk", backtrace->at_peak_blocks },
		{ "eb", backtrace->live_bytes },     { "ebk", backtrace->live_blocks },
	};

	fprintf(document->out, "%s{", document->separator);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		json_number(document->out, numbers[i].key, numbers[i].value);
		fputc(',', document->out);
	}
	document->separator = ",\n";
}

/** Of several processes each has a root of its own in the tree. */
static void put_model(struct document *document, struct model *model, bool several)
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
		put_backtrace(document, &model->backtraces[i]);
		put_stack(document, &stack, root);
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

	fputs("{\"dhatFileVersion\":2,\"mode\":\"heaptrace\",\"verb\":\"Allocated\",\"bklt\":true,\"bkacc\":false,\n"
	      "\"tu\":\"ns\",\"Mtu\":\"ms\",\"tuth\":-1,\n\"cmd\":", out);
	json_string(out, command ? command : "");
	fprintf(out, ",\"pid\":%d,\"te\":%" PRIu64 ",\"tg\":%" PRIu64 ",\n\"pps\":[\n", model ? model->pid : 0,
		model ? since(model, model->now_ns) : 0, model ? since(model, model->totals.peak_ns) : 0);
	free(command);
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
	struct document document = { .out = out, .options = options, .separator = "" };

	frame_index(&document, "[root]");
	put_head(out, count ? models[0] : NULL);
	for (size_t i = 0; i < count; i++)
		put_model(&document, models[i], count > 1);
	put_frame_table(&document);
	free(document.frames);
	table_free(&document.known);
	strings_free(&document.texts);
	return fflush(out) || ferror(out) ? -1 : 0;
}
