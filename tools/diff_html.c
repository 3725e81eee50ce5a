// SPDX-License-Identifier: MIT

/*
 * A difference as an HTML page: the one of report_html.c, in which the snapshots are the moments that growth is measured
 * between, and the matched backtraces are those of one process.
 */

#include <inttypes.h>
#include <string.h>

#include "diff.h"
#include "html_data.h"
#include "html_page.h"
#include "json.h"
#include "report.h"
#include "report_html_time.h"

struct page {
	struct html html;
	const struct diff *diff;
	const struct options *options;
};

static const struct model *last_model(const struct diff *diff)
{
	return diff->files[diff->file_count - 1].models.models[0];
}

static void put_column(FILE *out, const struct diff *diff, const char *key, bool blocks)
{
	fprintf(out, ",\n\"%s\":[", key);
	for (size_t i = 0; i < diff->row_count; i++) {
		const struct diff_value *value = &diff->rows[i].values[diff->file_count - 1];

		fprintf(out, "%s%" PRIu64, i ? "," : "", blocks ? value->blocks : value->bytes);
	}
	fputc(']', out);
}

static void put_backtraces(FILE *out, struct html *html, const struct diff *diff)
{
	html_begin_nodes(html);
	fputs("\"backtraces\":{\"node\":[", out);
	for (size_t i = 0; i < diff->row_count; i++)
		fprintf(out, "%s%" PRIu32, i ? "," : "",
			html_backtrace_node(html, diff->rows[i].model, diff->rows[i].backtrace));
	fputc(']', out);
	put_column(out, diff, "live_blocks", true);
	put_column(out, diff, "live_bytes", false);
	fputs("},\n", out);
	html_put_nodes(out, html);
}

/** What a row has more in one file than in the one before; of the first file all. */
static void put_changes(FILE *out, const struct diff *diff, size_t file)
{
	static const struct diff_value none;
	const char *separator = "\n[";
	size_t last = 0;

	for (size_t i = 0; i < diff->row_count; i++) {
		const struct diff_value *now = &diff->rows[i].values[file], *before = file ? now - 1 : &none;

		if (now->bytes == before->bytes && now->blocks == before->blocks)
			continue;
		fprintf(out, "%s%zu,%" PRId64 ",%" PRId64, separator, i - last, (int64_t)(now->bytes - before->bytes),
			(int64_t)(now->blocks - before->blocks));
		separator = ",";
		last = i;
	}
	fputs(separator[0] == '\n' ? "[]" : "]", out);
}

/** The files are slices: moments of one run by their times, others by their numbers. */
static void put_files(FILE *out, const struct diff *diff)
{
	fputs("\"slices\":{\"ns\":[", out);
	for (size_t i = 0; i < diff->file_count; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", diff->same_run ? diff->files[i].taken_ns : i);
	fputs("],\"names\":[", out);
	for (size_t i = 0; i < diff->file_count; i++) {
		fputs(i ? "," : "", out);
		json_string_in_html(out, diff->files[i].path);
	}
	fputs("],\"changes\":[", out);
	for (size_t i = 0; i < diff->file_count; i++) {
		fputs(i ? "," : "", out);
		put_changes(out, diff, i);
	}
	fputs("]},\n", out);
}

static void put_notes(FILE *out, const struct diff *diff)
{
	fputs("\"notes\":[", out);
	for (size_t i = 0; i < diff->note_count; i++) {
		fputs(i ? "," : "", out);
		json_string_in_html(out, diff->notes[i]);
	}
	fputs("],\n", out);
}

/** The newest snapshot's process; of its figures what the difference knows. */
static void put_process(FILE *out, struct page *page)
{
	const struct diff *diff = page->diff;
	const struct diff_file *last = &diff->files[diff->file_count - 1];
	const struct model *model = last_model(diff);

	html_put_head(out, model);
	fputs("\"totals\":{", out);
	json_numbers(out, { "live_bytes", last->bytes }, { "live_blocks", last->blocks },
		     { "peak_bytes", model->totals.peak_bytes }, { "whole_peak_bytes", model->totals.peak_bytes },
		     { "peak_ns", model->totals.peak_ns }, { "allocations", model->totals.allocations });
	fputs("},\n", out);
	if (last->models.count == 1)
		html_put_timeline(out, model);
	put_notes(out, diff);
	put_files(out, diff);
	put_backtraces(out, &page->html, diff);
	fputc('}', out);
}

static void put_data(FILE *out, void *what)
{
	struct page *page = what;

	fprintf(out, "{\"version\":1,\"heaptrace\":\"" HT_RELEASE "\",\"sort\":\"growth\",\"keep_allocator\":%s,"
		"\"compared\":{\"metric\":\"%s\",\"same_run\":%s},\n\"processes\":[\n", page->options->keep_allocator ? "true" : "false",
		flame_metric_name(page->options->metric), page->diff->same_run ? "true" : "false");
	put_process(out, page);
	fputs("],\n", out);
	html_put_tables(out, &page->html);
	fputs("}\n", out);
}

int diff_html(FILE *out, const void *what, const struct options *options, bool terminal)
{
	struct page page = { .diff = what, .options = options };

	diff_name(page.diff, page.diff->row_count);
	html_page(out, put_data, &page);
	html_free(&page.html);
	return fflush(out) || ferror(out) ? -1 : 0;
}
