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

#include "html_data.h"
#include "html_page.h"
#include "json.h"
#include "report_common.h"
#include "report_html_time.h"
#include "symbols.h"

struct page {
	struct html html;
	struct model **models;
	size_t model_count;
	const struct options *options;
};

/** A figure of each backtrace. */
struct column {
	const char *key;
	size_t place;
	bool of_churn;
};

static uint64_t figure_in(const struct backtrace *backtrace, const struct column *column)
{
	const char *figures = column->of_churn ? (const char *)backtrace->churn : (const char *)backtrace;

	return figures ? *(const uint64_t *)(figures + column->place) : 0;
}

static void put_column(FILE *out, const struct model *model, const struct column *column)
{
	const char *separator = "";

	fprintf(out, ",\n\"%s\":[", column->key);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (model->backtraces[i].ignored)
			continue;
		fprintf(out, "%s%" PRIu64, separator, figure_in(&model->backtraces[i], column));
		separator = ",";
	}
	fputc(']', out);
}

static void put_backtraces(FILE *out, struct html *html, const struct model *model)
{
#define COLUMN(name) { #name, offsetof(struct backtrace, name), false }
#define CHURN_COLUMN(name) { #name, offsetof(struct churn, name), true }
	static const struct column columns[] = {
		COLUMN(live_blocks), COLUMN(live_bytes), COLUMN(peak_blocks), COLUMN(peak_bytes), COLUMN(at_peak_blocks),
		COLUMN(at_peak_bytes), COLUMN(total_blocks), COLUMN(total_bytes), COLUMN(first_ns), COLUMN(last_ns),
		CHURN_COLUMN(temporary_blocks), CHURN_COLUMN(temporary_bytes), CHURN_COLUMN(reallocs), CHURN_COLUMN(moved_bytes),
	};
#undef CHURN_COLUMN
#undef COLUMN
	bool has_churn = model->option_flags & HT_OPTION_CHURN;
	const char *separator = "";

	html_begin_nodes(html);
	fputs("\"backtraces\":{\"node\":[", out);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (model->backtraces[i].ignored)
			continue;
		fprintf(out, "%s%" PRIu32, separator, html_backtrace_node(html, model, &model->backtraces[i]));
		separator = ",";
	}
	fputc(']', out);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		if (has_churn || !columns[i].of_churn)
			put_column(out, model, &columns[i]);
	}
	fputs("},\n", out);
	html_put_nodes(out, html);
}

static void put_totals(FILE *out, const struct model *model, const struct totals *totals)
{
	fputs("\"totals\":{", out);
	json_numbers(out, { "allocations", totals->allocations }, { "frees", totals->frees },
		     { "allocated_bytes", totals->allocated_bytes }, { "live_blocks", totals->live_blocks },
		     { "live_bytes", totals->live_bytes }, { "peak_blocks", totals->peak_blocks },
		     { "peak_bytes", totals->peak_bytes }, { "peak_bound_bytes", model->peak_bound_bytes },
		     { "whole_peak_bytes", model->totals.peak_bytes }, /* what is left out is in the timeline */
		     { "peak_ns", totals->peak_ns });
	fputs("},\n", out);
}

/** Figures of others than ourselves: the kernel's of the process, glibc's of its allocator. */
static void put_surroundings(FILE *out, const struct model *model)
{
	const struct statm *statm = &model->host.statm;

	if (statm->ns) {
		fputs("\"statm\":{", out);
		json_numbers(out, { "size", statm->size }, { "resident", statm->resident }, { "shared", statm->shared },
			     { "ns", statm->ns });
		fputs("},", out);
	}
	if (model->allocator_ns) {
		fputs("\"allocator\":{", out);
		json_numbers(out, { "virtual", model->allocator_arena + model->allocator_hblkhd },
			     { "resident", model->allocator_uordblks + model->allocator_hblkhd },
			     { "ns", model->process_flags & HT_PROCESS_FIGURES_FINAL ? model->now_ns : model->allocator_ns });
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

static void put_process(FILE *out, struct page *page, struct model *model)
{
	struct figures figures;
	struct rules *rules = figures_make(&figures, model, page->options);

	symbols_name_all(model, page->options);
	html_put_head(out, model);
	put_totals(out, model, &figures.totals);
	put_surroundings(out, model);
	html_put_timeline(out, model);
	html_put_slices(out, model);
	put_notes(out, model, &figures, rules, page->options);
	put_backtraces(out, &page->html, model);
	fputc('}', out);
	rules_free(rules);
}

static void put_data(FILE *out, void *what)
{
	struct page *page = what;

	fprintf(out, "{\"version\":1,\"heaptrace\":\"" HT_RELEASE "\",\"sort\":\"%s\",\"keep_allocator\":%s,\n\"processes\":[",
		sort_key_name(page->options->sort[0]), page->options->keep_allocator ? "true" : "false");
	for (size_t i = 0; i < page->model_count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_process(out, page, page->models[i]);
	}
	fputs("],\n", out);
	html_put_tables(out, &page->html);
	fputs("}\n", out);
}

int report_html(FILE *out, struct model **models, size_t count, const struct options *options)
{
	struct page page = { .models = models, .model_count = count, .options = options };

	html_page(out, put_data, &page);
	html_free(&page.html);
	return fflush(out) || ferror(out) ? -1 : 0;
}
