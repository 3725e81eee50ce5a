// SPDX-License-Identifier: MIT

/* The tables of an HTML page's data: see html_data.h. */

#include "html_data.h"

#include <inttypes.h>
#include <stdlib.h>

#include "allocators.h"
#include "json.h"
#include "report_common.h"

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
	uint32_t *number = table_at(&html->known, (uint64_t)place << 32 | site, (uint64_t)line.line << 2 | line.thread << 1 | line.inlined,
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

/** Threads that were kept apart are the outermost nodes. */
static uint32_t thread_node(struct html *html, const struct thread *thread)
{
	char *name = thread->name[0] ? memory_format("thread %s (%u)", thread->name, (unsigned)thread->tid) :
				       memory_format("thread %u", (unsigned)thread->tid);
	uint32_t line = line_number(html, (struct html_line) {
		.function = string_number(html, name), .file = -1, .module = -1, .thread = true });

	free(name);
	return node_below(html, 0, line);
}

/** Outermost frame first, of each frame the real function before what is inlined in it. */
uint32_t html_backtrace_node(struct html *html, const struct model *model, const struct backtrace *backtrace)
{
	uint32_t node = backtrace->thread ? thread_node(html, backtrace->thread) : 0;

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

void html_put_head(FILE *out, const struct model *model)
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
	json_numbers(out, { "start_wall", model->start_wall }, { "started_ns", model->start_ns }, { "now_ns", model->now_ns });
	fputs(",\n", out);
}

void html_begin_nodes(struct html *html)
{
	table_free(&html->node_table);
	html->node_count = 0;
	html->nodes = memory_grow(html->nodes, 0, &html->node_room, sizeof(*html->nodes));
	html->nodes[html->node_count++] = (struct html_node) { 0, 0 };
}

/** Parents are nearby, mostly the node before: the distance is the shorter number. */
void html_put_nodes(FILE *out, const struct html *html)
{
	fputs("\"nodes\":{\"up\":[0", out);
	for (size_t i = 1; i < html->node_count; i++)
		fprintf(out, ",%zu", i - html->nodes[i].parent);
	fputs("],\n\"line\":[-1", out);
	for (size_t i = 1; i < html->node_count; i++)
		fprintf(out, ",%" PRIu32, html->nodes[i].line);
	fputs("]}", out);
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
	fputs("],\n\"kind\":[", out); /* 1: inlined, 2: the allocator's, 4: a thread */
	for (size_t i = 0; i < html->line_count; i++)
		fprintf(out, "%s%d", i ? "," : "", html->lines[i].inlined | html->lines[i].allocator << 1 |
			html->lines[i].thread << 2);
	fputs("]},\n", out);
}

void html_put_tables(FILE *out, const struct html *html)
{
	put_lines(out, html);
	fputs("\"strings\":[", out);
	for (size_t i = 0; i < html->string_count; i++) {
		fputs(i ? ",\n" : "\n", out);
		json_string_in_html(out, html->strings[i]);
	}
	fputc(']', out);
}

void html_free(struct html *html)
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
