// SPDX-License-Identifier: MIT

/* What changed between snapshots, for people and for programs: see diff.h. */

#include "diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "report.h"
#include "report_common.h"
#include "units.h"

#define RULER "================================================================="
#define MOST_SHOWN 6 /* figures in a line; the middle of longer rows is left out */

/** "+1.045 KB", "-3 bytes", "+0 bytes". */
static struct units_text signed_bytes(int64_t bytes)
{
	struct units_text text = units_bytes(bytes < 0 ? -(uint64_t)bytes : (uint64_t)bytes), result;

	snprintf(result.text, sizeof(result.text), "%c%.38s", bytes < 0 ? '-' : '+', text.text);
	return result;
}

/** All figures with arrows between them; of many only the first and the last. */
static void put_values(FILE *out, const struct diff *diff, const struct diff_row *row, bool blocks)
{
	for (size_t i = 0; i < diff->file_count; i++) {
		const struct diff_value *value = &row->values[i];

		if (diff->file_count > MOST_SHOWN && i == MOST_SHOWN / 2) {
			fputs(" -> ...", out);
			i = diff->file_count - MOST_SHOWN / 2 - 1;
			continue;
		}
		if (i)
			fputs(" -> ", out);
		if (blocks)
			fprintf(out, "%" PRIu64, value->blocks);
		else
			fputs(units_bytes(value->bytes).text, out);
	}
}

static void put_row(FILE *out, const struct diff *diff, const struct diff_row *row, size_t number)
{
	fprintf(out, "=== backtrace #%zu === [count: ", number);
	put_values(out, diff, row, true);
	fprintf(out, ", %+" PRId64 "] [size: ", row->growth_blocks);
	put_values(out, diff, row, false);
	fprintf(out, ", %s]", signed_bytes(row->growth_bytes).text);
	if (diff->file_count > 2)
		fprintf(out, " [slope: %s per %s]", signed_bytes((int64_t)row->slope).text, diff->same_run ? "second" : "snapshot");
	if (diff->flows)
		fprintf(out, " [allocated: %" PRIu64 ", %s] [freed: %" PRIu64 ", %s]", row->allocated.blocks,
			units_bytes(row->allocated.bytes).text, row->freed.blocks, units_bytes(row->freed.bytes).text);
	if (row->grew_always)
		fputs(" [grew in every interval]", out);
	fputc('\n', out);
	report_text_frames(out, row->model, row->backtrace);
}

static void put_summary(FILE *out, const struct diff *diff)
{
	const struct diff_file *first = &diff->files[0], *last = &diff->files[diff->file_count - 1];
	size_t grown = 0, shrunk = 0, always = 0;

	for (size_t i = 0; i < diff->row_count; i++) {
		grown += diff->rows[i].growth_bytes > 0;
		shrunk += diff->rows[i].growth_bytes < 0;
		always += diff->rows[i].grew_always;
	}
	fprintf(out, "[heaptrace] size before / after          : %s / %s (%s)\n", units_bytes(first->bytes).text,
		units_bytes(last->bytes).text, signed_bytes((int64_t)(last->bytes - first->bytes)).text);
	fprintf(out, "[heaptrace] blocks before / after        : %" PRIu64 " / %" PRIu64 " (%+" PRId64 ")\n", first->blocks,
		last->blocks, (int64_t)(last->blocks - first->blocks));
	fprintf(out, "[heaptrace] backtraces grown / shrunk    : %zu / %zu of %zu\n", grown, shrunk, diff->row_count);
	if (diff->file_count > 2)
		fprintf(out, "[heaptrace] grew in every interval       : %zu\n", always);
	for (size_t i = 0; i < diff->note_count; i++)
		fprintf(out, "[heaptrace] note: %s\n", diff->notes[i]);
}

int diff_text(FILE *out, const void *what, const struct options *options, bool terminal)
{
	const struct diff *diff = what;
	size_t count = diff_changed(diff);

	if (options->top && options->top < count)
		count = options->top;
	diff_name(diff, count);
	fprintf(out, "[heaptrace] growth of %s memory from %s (%s) to %s (%s)\n", flame_metric_name(options->metric),
		diff->files[0].label, diff->files[0].models.models[0]->name, diff->files[diff->file_count - 1].label,
		diff->files[diff->file_count - 1].models.models[0]->name);
	fputs(RULER "\n", out);
	for (size_t i = 0; i < count; i++)
		put_row(out, diff, &diff->rows[i], i + 1);
	put_summary(out, diff);
	fputs(RULER "\n", out);
	return fflush(out) || ferror(out) ? -1 : 0;
}

static void put_list(FILE *out, const struct diff *diff, const struct diff_row *row, const char *key, bool blocks)
{
	fprintf(out, "\"%s\":[", key);
	for (size_t i = 0; i < diff->file_count; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", blocks ? row->values[i].blocks : row->values[i].bytes);
	fputs("],", out);
}

static void put_json_row(FILE *out, const struct diff *diff, const struct diff_row *row)
{
	fputc('{', out);
	put_list(out, diff, row, "blocks", true);
	put_list(out, diff, row, "bytes", false);
	if (diff->flows) {
		json_numbers(out, { "allocated_blocks", row->allocated.blocks }, { "allocated_bytes", row->allocated.bytes },
			     { "freed_blocks", row->freed.blocks }, { "freed_bytes", row->freed.bytes });
		fputc(',', out);
	}
	fprintf(out, "\"growth_blocks\":%" PRId64 ",\"growth_bytes\":%" PRId64 ",\"slope_bytes\":%" PRId64
		",\"grew_in_every_interval\":%s,\"truncated\":%s,", row->growth_blocks, row->growth_bytes, (int64_t)row->slope,
		row->grew_always ? "true" : "false", row->backtrace->truncated ? "true" : "false");
	report_json_frames(out, row->model, row->backtrace);
	fputc('}', out);
}

static void put_json_file(FILE *out, const struct diff_file *file)
{
	const struct model *first = file->models.models[0];

	fputs("{\"path\":", out);
	json_string(out, file->path);
	fprintf(out, ",\"pid\":%d,", first->pid);
	json_command(out, first);
	fprintf(out, ",\"processes\":%zu,", file->models.count);
	json_numbers(out, { "taken_ns", file->taken_ns }, { "blocks", file->blocks }, { "bytes", file->bytes });
	fputc('}', out);
}

static void put_json_notes(FILE *out, const struct diff *diff)
{
	fputs("\"notes\":[", out);
	for (size_t i = 0; i < diff->note_count; i++) {
		if (i)
			fputc(',', out);
		json_string(out, diff->notes[i]);
	}
	fputs("],\n", out);
}

int diff_json(FILE *out, const void *what, const struct options *options, bool terminal)
{
	const struct diff *diff = what;

	diff_name(diff, diff->row_count);
	fprintf(out, "{\"version\":1,\"heaptrace\":\"" HT_RELEASE "\",\"metric\":\"%s\",\"slope_per\":\"%s\",\n\"files\":[",
		flame_metric_name(options->metric), diff->same_run ? "second" : "snapshot");
	for (size_t i = 0; i < diff->file_count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_json_file(out, &diff->files[i]);
	}
	fputs("],\n", out);
	put_json_notes(out, diff);
	fputs("\"backtraces\":[", out);
	for (size_t i = 0; i < diff->row_count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_json_row(out, diff, &diff->rows[i]);
	}
	fputs("\n]}\n", out);
	return fflush(out) || ferror(out) ? -1 : 0;
}

int diff_collapsed(FILE *out, const void *what, const struct options *options, bool terminal)
{
	const struct diff *diff = what;
	struct stack_growth *growth = memory_zeroed(diff->row_count, sizeof(*growth));
	int result;

	diff_name(diff, diff->row_count);
	for (size_t i = 0; i < diff->row_count; i++) {
		const struct diff_row *row = &diff->rows[i];

		growth[i] = (struct stack_growth) { row->model, row->backtrace, row->values[0].bytes,
						    row->values[diff->file_count - 1].bytes };
	}
	result = report_collapsed_growth(out, growth, diff->row_count, options);
	for (size_t i = 0; i < diff->note_count && !options->quiet; i++)
		fprintf(stderr, "[heaptrace] note: %s\n", diff->notes[i]);
	free(growth);
	return result;
}
