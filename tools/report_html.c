// SPDX-License-Identifier: MIT

/*
 * One HTML file: the page from tools/html/ with all processes in it as compact JSON. Strings and lines of code are listed
 * once for the whole document; the backtraces of a process are a tree of nodes {parent, line}, root first, and a column
 * for each figure. tools/html/data.js reads it and says what the fields are.
 */

#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocators.h"
#include "html_page.h"
#include "json.h"
#include "memory.h"
#include "report_common.h"
#include "report_html_time.h"
#include "symbols.h"

/** A line of code, or what is known of it. Numbers are those of strings, -1: unknown. */
struct html_line {
	int32_t function, file, module;
	uint32_t line;
	uint64_t offset; /* from the module's start; the address itself if in none */
	bool inlined, allocator;
};

struct html_node {
	uint32_t parent, line;
};

struct html {
	struct strings kept;
	struct table string_numbers; /* address of the kept string to number */
	const char **strings;
	size_t string_count, string_room;
	struct table named;          /* address of a frame's name to number of the line */
	struct table places, sites, known; /* (function, file), (module, offset), (both, line and kind) to numbers */
	struct html_line *lines;
	size_t line_count, line_room;
	struct table node_table;     /* of the process being written: (parent, line) to number */
	struct html_node *nodes;     /* 0 is the root */
	size_t node_count, node_room;
	struct model **models;
	size_t model_count;
	const struct options *options;
};

static int32_t string_number(struct html *html, const char *string)
{
	const char *kept;
	uint32_t *number;
	bool fresh;

	if (!string)
		return -1;
	kept = strings_keep(&html->kept, string);
	number = table_at(&html->string_numbers, (uintptr_t)kept, 0, &fresh);
	if (fresh) {
		*number = (uint32_t)html->string_count;
		html->strings = memory_grow(html->strings, html->string_count, &html->string_room, sizeof(*html->strings));
		html->strings[html->string_count++] = kept;
	}
	return (int32_t)*number;
}

static uint32_t pair_number(struct table *table, uint64_t a, uint64_t b)
{
	bool fresh;
	uint32_t *number = table_at(table, a, b, &fresh);

	if (fresh)
		*number = (uint32_t)table->used;
	return *number;
}

/** Processes that run the same code share their lines, wherever it was loaded. */
static uint32_t line_number(struct html *html, struct html_line line)
{
	uint32_t place = pair_number(&html->places, (uint32_t)line.function, (uint32_t)line.file);
	uint32_t site = pair_number(&html->sites, (uint32_t)line.module, line.offset);
	bool fresh;
	uint32_t *number = table_at(&html->known, (uint64_t)place << 32 | site, (uint64_t)line.line << 1 | line.inlined,
				    &fresh);

	if (fresh) {
		*number = (uint32_t)html->line_count;
		html->lines = memory_grow(html->lines, html->line_count, &html->line_room, sizeof(*html->lines));
		html->lines[html->line_count++] = line;
	}
	return *number;
}

static const char *module_path(const struct module *module)
{
	if (!module)
		return NULL;
	return module->flags & HT_MODULE_VDSO ? "[vdso]" : *module->path ? module->path : "[anon]";
}

static uint32_t named_line(struct html *html, const struct frame *frame, const struct frame_name *name)
{
	bool fresh;
	uint32_t number, *known = table_at(&html->named, (uintptr_t)name, 0, &fresh);

	if (!fresh)
		return *known;
	number = line_number(html, (struct html_line) {
		.function = string_number(html, name->function && *name->function ? name->function : NULL),
		.file = string_number(html, name->file),
		.module = string_number(html, module_path(frame->module)),
		.line = name->file ? name->line : 0,
		.offset = frame->module ? frame->address - frame->module->bias : frame->address,
		.inlined = name->inlined,
		.allocator = name->function && is_allocator_function(name->function),
	});
	*known = number; /* no look-up in that table came between */
	return number;
}

static uint32_t entry_line(struct html *html, const struct model *model, enum ht_entry entry)
{
	const struct module *self = model_self(model);

	return line_number(html, (struct html_line) {
		.function = string_number(html, entry_name(entry)),
		.file = -1,
		.module = string_number(html, module_path(self)),
		.offset = model->entries[entry] - (self ? self->bias : 0),
		.allocator = true,
	});
}

static uint32_t node_below(struct html *html, uint32_t parent, uint32_t line)
{
	bool fresh;
	uint32_t *number = table_at(&html->node_table, parent, line, &fresh);

	if (fresh) {
		*number = (uint32_t)html->node_count;
		html->nodes = memory_grow(html->nodes, html->node_count, &html->node_room, sizeof(*html->nodes));
		html->nodes[html->node_count++] = (struct html_node) { parent, line };
	}
	return *number;
}

/** The node of a whole backtrace: outermost frame first, of each frame the real function before what is inlined in it. */
static uint32_t backtrace_node(struct html *html, const struct model *model, const struct backtrace *backtrace)
{
	uint32_t node = 0;

	if (backtrace->truncated)
		node = node_below(html, node, line_number(html, (struct html_line) {
			.function = string_number(html, "[truncated]"), .file = -1, .module = -1 }));
	for (unsigned i = backtrace->depth; i-- > 0;) {
		const struct frame *frame = backtrace->frames[i];

		for (unsigned j = frame->name_count; j-- > 0;)
			node = node_below(html, node, named_line(html, frame, &frame->names[j]));
	}
	return node_below(html, node, entry_line(html, model, backtrace->entry));
}

static void put_key(FILE *out, const char *key, uint64_t value)
{
	json_number(out, key, value);
	fputc(',', out);
}

/** Parents are nearby, mostly the node before: the distance is the shorter number. */
static void put_nodes(FILE *out, const struct html *html)
{
	fputs("\"nodes\":{\"up\":[0", out);
	for (size_t i = 1; i < html->node_count; i++)
		fprintf(out, ",%zu", i - html->nodes[i].parent);
	fputs("],\n\"line\":[-1", out);
	for (size_t i = 1; i < html->node_count; i++)
		fprintf(out, ",%" PRIu32, html->nodes[i].line);
	fputs("]}", out);
}

static void put_column(FILE *out, const struct model *model, const char *key, size_t place)
{
	const char *separator = "";

	fprintf(out, ",\n\"%s\":[", key);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		if (backtrace->ignored)
			continue;
		fprintf(out, "%s%" PRIu64, separator, *(const uint64_t *)((const char *)backtrace + place));
		separator = ",";
	}
	fputc(']', out);
}

static void put_backtraces(FILE *out, struct html *html, const struct model *model)
{
	static const struct {
		const char *key;
		size_t place;
	} columns[] = {
#define COLUMN(name) { #name, offsetof(struct backtrace, name) }
		COLUMN(live_blocks), COLUMN(live_bytes), COLUMN(peak_blocks), COLUMN(peak_bytes), COLUMN(at_peak_blocks),
		COLUMN(at_peak_bytes), COLUMN(total_blocks), COLUMN(total_bytes), COLUMN(first_ns), COLUMN(last_ns),
#undef COLUMN
	};
	const char *separator = "";

	table_free(&html->node_table);
	html->node_count = 0;
	html->nodes = memory_grow(html->nodes, 0, &html->node_room, sizeof(*html->nodes));
	html->nodes[html->node_count++] = (struct html_node) { 0, 0 };
	fputs("\"backtraces\":{\"node\":[", out);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (model->backtraces[i].ignored)
			continue;
		fprintf(out, "%s%" PRIu32, separator, backtrace_node(html, model, &model->backtraces[i]));
		separator = ",";
	}
	fputc(']', out);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		put_column(out, model, columns[i].key, columns[i].place);
	fputs("},\n", out);
	put_nodes(out, html);
}

static void put_totals(FILE *out, const struct model *model, const struct totals *totals)
{
	fputs("\"totals\":{", out);
	put_key(out, "allocations", totals->allocations);
	put_key(out, "frees", totals->frees);
	put_key(out, "allocated_bytes", totals->allocated_bytes);
	put_key(out, "live_blocks", totals->live_blocks);
	put_key(out, "live_bytes", totals->live_bytes);
	put_key(out, "peak_blocks", totals->peak_blocks);
	put_key(out, "peak_bytes", totals->peak_bytes);
	put_key(out, "peak_bound_bytes", model->peak_bound_bytes);
	put_key(out, "whole_peak_bytes", model->totals.peak_bytes); /* what is left out is in the timeline */
	json_number(out, "peak_ns", totals->peak_ns);
	fputs("},\n", out);
}

/** Figures of others than ourselves: the kernel's of the process, glibc's of its allocator. */
static void put_surroundings(FILE *out, const struct model *model)
{
	const struct statm *statm = &model->host.statm;

	if (statm->ns) {
		fputs("\"statm\":{", out);
		put_key(out, "size", statm->size);
		put_key(out, "resident", statm->resident);
		put_key(out, "shared", statm->shared);
		json_number(out, "ns", statm->ns);
		fputs("},", out);
	}
	if (model->allocator_ns) {
		fputs("\"allocator\":{", out);
		put_key(out, "virtual", model->allocator_arena + model->allocator_hblkhd);
		put_key(out, "resident", model->allocator_uordblks + model->allocator_hblkhd);
		json_number(out, "ns", model->process_flags & HT_PROCESS_FIGURES_FINAL ? model->now_ns : model->allocator_ns);
		fputs("},", out);
	}
}

/** What stands below the text report's summary, in its words. */
static void put_notes(FILE *out, struct model *model, const struct figures *figures, struct rules *rules,
		      const struct options *options)
{
	static const char prefix[] = "[heaptrace] ";
	char *text = NULL, *line, *next;
	const char *separator = "";
	size_t size = 0;
	FILE *memory = open_memstream(&text, &size);

	fputs("\"notes\":[", out);
	if (memory) {
		report_text_notes(memory, model, figures, rules, options);
		fclose(memory);
	}
	for (line = text; line && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		fputs(separator, out);
		json_string_in_html(out, strncmp(line, prefix, strlen(prefix)) ? line : line + strlen(prefix));
		separator = ",";
	}
	fputs("],\n", out);
	free(text);
}

static void put_head(FILE *out, const struct model *model)
{
	fprintf(out, "{\"pid\":%d,\"ppid\":%d,\"name\":", model->pid, model->ppid);
	json_string_in_html(out, model->name);
	fputs(",\"command\":[", out);
	for (size_t i = 0; i < model->command_count; i++) {
		fputs(i ? "," : "", out);
		json_string_in_html(out, model->command[i]);
	}
	fputs("],\"how_it_ended\":", out);
	json_string_in_html(out, model->host.how_it_ended[0] ? model->host.how_it_ended : NULL);
	fputc(',', out);
	put_key(out, "start_wall", model->start_wall);
	put_key(out, "started_ns", model->start_ns);
	put_key(out, "now_ns", model->now_ns);
	fputc('\n', out);
}

static void put_process(FILE *out, struct html *html, struct model *model)
{
	struct figures figures;
	struct rules *rules = figures_make(&figures, model, html->options);

	symbols_name_all(model, html->options);
	put_head(out, model);
	put_totals(out, model, &figures.totals);
	put_surroundings(out, model);
	html_put_timeline(out, model);
	html_put_slices(out, model);
	put_notes(out, model, &figures, rules, html->options);
	put_backtraces(out, html, model);
	fputc('}', out);
	rules_free(rules);
}

static void put_offset(FILE *out, uint64_t offset)
{
	const uint64_t exact = 1ull << 53; /* numbers of a script are doubles */

	fprintf(out, offset < exact ? "%" PRIu64 : "\"%" PRIx64 "\"", offset);
}

static void put_lines(FILE *out, const struct html *html)
{
	fputs("\"lines\":{\"function\":[", out);
	for (size_t i = 0; i < html->line_count; i++)
		fprintf(out, "%s%" PRId32, i ? "," : "", html->lines[i].function);
	fputs("],\n\"file\":[", out);
	for (size_t i = 0; i < html->line_count; i++)
		fprintf(out, "%s%" PRId32, i ? "," : "", html->lines[i].file);
	fputs("],\n\"line\":[", out);
	for (size_t i = 0; i < html->line_count; i++)
		fprintf(out, "%s%" PRIu32, i ? "," : "", html->lines[i].line);
	fputs("],\n\"module\":[", out);
	for (size_t i = 0; i < html->line_count; i++)
		fprintf(out, "%s%" PRId32, i ? "," : "", html->lines[i].module);
	fputs("],\n\"offset\":[", out);
	for (size_t i = 0; i < html->line_count; i++) {
		fputs(i ? "," : "", out);
		put_offset(out, html->lines[i].offset);
	}
	fputs("],\n\"kind\":[", out); /* 1: inlined, 2: the allocator's */
	for (size_t i = 0; i < html->line_count; i++)
		fprintf(out, "%s%d", i ? "," : "", html->lines[i].inlined | html->lines[i].allocator << 1);
	fputs("]},\n", out);
}

static void put_data(FILE *out, void *what)
{
	struct html *html = what;

	fprintf(out, "{\"version\":1,\"heaptrace\":\"" HT_RELEASE "\",\"sort\":\"%s\",\"keep_allocator\":%s,\n\"processes\":[",
		sort_key_name(html->options->sort[0]), html->options->keep_allocator ? "true" : "false");
	for (size_t i = 0; i < html->model_count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_process(out, html, html->models[i]);
	}
	fputs("],\n", out);
	put_lines(out, html);
	fputs("\"strings\":[", out);
	for (size_t i = 0; i < html->string_count; i++) {
		fputs(i ? ",\n" : "\n", out);
		json_string_in_html(out, html->strings[i]);
	}
	fputs("]}\n", out);
}

static void html_free(struct html *html)
{
	strings_free(&html->kept);
	table_free(&html->string_numbers);
	table_free(&html->named);
	table_free(&html->places);
	table_free(&html->sites);
	table_free(&html->known);
	table_free(&html->node_table);
	free(html->strings);
	free(html->lines);
	free(html->nodes);
}

int report_html(FILE *out, struct model **models, size_t count, const struct options *options)
{
	struct html html = { .models = models, .model_count = count, .options = options };

	html_page(out, put_data, &html);
	html_free(&html);
	return fflush(out) || ferror(out) ? -1 : 0;
}
