// SPDX-License-Identifier: MIT

/* The slices of a model, summed up and listed: see slices.h. */

#include "slices.h"

#include <inttypes.h>
#include <stdlib.h>

#include "command.h"
#include "deliver.h"
#include "json.h"
#include "memory.h"
#include "report.h"
#include "symbols.h"
#include "units.h"

struct model *slices_model(const struct models *models, const char *path, struct error *error)
{
	for (size_t i = 0; i < models->count; i++) {
		if (models->models[i]->slice_count)
			return models->models[i];
	}
	if (models->models[0]->option_flags & HT_OPTION_STANDALONE)
		snprintf(error->text, sizeof(error->text), "%s was written by the library alone, which takes no slices; run the "
			 "program with heaptrace --interval=1s --save=FILE.htrace PROGRAM", path);
	else
		snprintf(error->text, sizeof(error->text), "%s has no slices: its run was without --interval, or the "
			 "collector that takes them was killed; run the program with heaptrace --interval=1s --save=FILE.htrace PROGRAM", path);
	return NULL;
}

void slices_add(struct slice_change *sums, const struct slice *slice)
{
	for (size_t i = 0; i < slice->change_count; i++) {
		const struct slice_change *change = &slice->changes[i];
		struct slice_change *sum = &sums[change->backtrace];

		sum->allocated_blocks += change->allocated_blocks;
		sum->allocated_bytes += change->allocated_bytes;
		sum->freed_blocks += change->freed_blocks;
		sum->freed_bytes += change->freed_bytes;
	}
}

struct slice_change *slices_sums(const struct model *model, size_t slice)
{
	struct slice_change *sums = memory_zeroed(model->backtrace_count, sizeof(*sums));

	for (size_t i = 0; i <= slice; i++)
		slices_add(sums, &model->slices[i]);
	return sums;
}

void slices_renumber(struct model *model, const uint32_t *places)
{
	for (size_t i = 0; i < model->slice_count; i++) {
		for (size_t j = 0; j < model->slices[i].change_count; j++)
			model->slices[i].changes[j].backtrace = places[model->slices[i].changes[j].backtrace];
	}
}

static uint64_t since_start(const struct model *model, const struct slice *slice)
{
	return slice->ns - model->start_ns;
}

/** How far apart they are, and why. */
static void put_spacing(FILE *out, const struct model *model)
{
	fprintf(out, "[heaptrace] a slice each %s was asked for", units_age(model->slice_interval_ns).text);
	if (model->slice_kept_ns > model->slice_interval_ns)
		fprintf(out, "; of so long a run one each %s is kept", units_age(model->slice_kept_ns).text);
	if (model->slices_dear)
		fputs("; they were taken less often, because taking one of so many backtraces takes time", out);
	fputc('\n', out);
}

static void put_line(FILE *out, const struct model *model, size_t number)
{
	const struct slice *slice = &model->slices[number];
	const struct slice *before = number ? slice - 1 : slice;
	uint64_t frees = slice->allocations - slice->live_blocks - (before->allocations - before->live_blocks);

	fprintf(out, "%6zu %16s %14s %10" PRIu64 " %10" PRIu64 " %10" PRIu64 " %9zu%s\n", number,
		units_age(since_start(model, slice)).text, units_bytes(slice->live_bytes).text, slice->live_blocks,
		slice->allocations - before->allocations, frees, slice->change_count,
		number == 0 ? slice->ns > model->start_ns ? "  (reset)" : "  (start)" : number + 1 == model->slice_count ? "  (end of the figures)" : "");
}

static int put_text(FILE *out, const struct model *model)
{
	fprintf(out, "[heaptrace] slices of %s (pid %d)\n", model->name, model->pid);
	fprintf(out, "%6s %16s %14s %10s %10s %10s %9s\n", "slice", "since start", "live", "blocks", "allocated", "freed",
		"changed");
	for (size_t i = 0; i < model->slice_count; i++)
		put_line(out, model, i);
	put_spacing(out, model);
	return fflush(out) || ferror(out) ? -1 : 0;
}

static void put_change(FILE *out, const struct slice_change *change)
{
	fprintf(out, "{\"backtrace\":%" PRIu32 ",", change->backtrace);
	json_numbers(out, { "allocated_blocks", change->allocated_blocks }, { "allocated_bytes", change->allocated_bytes },
		     { "freed_blocks", change->freed_blocks }, { "freed_bytes", change->freed_bytes });
	fputc('}', out);
}

static void put_json_slice(FILE *out, const struct slice *slice)
{
	fputc('{', out);
	json_numbers(out, { "ns", slice->ns }, { "live_bytes", slice->live_bytes }, { "live_blocks", slice->live_blocks },
		     { "allocations", slice->allocations }, { "allocated_bytes", slice->allocated_bytes });
	fputs(",\"changes\":[", out);
	for (size_t i = 0; i < slice->change_count; i++) {
		if (i)
			fputc(',', out);
		put_change(out, &slice->changes[i]);
	}
	fputs("]}", out);
}

static int put_json(FILE *out, struct model *model, const struct options *options)
{
	symbols_name_all(model, options);
	fprintf(out, "{\"version\":1,\"heaptrace\":\"" HT_RELEASE "\",\"pid\":%d,", model->pid);
	json_command(out, model);
	fputc(',', out);
	json_numbers(out, { "started_ns", model->start_ns }, { "interval_ns", model->slice_interval_ns },
		     { "kept_ns", model->slice_kept_ns });
	fprintf(out, ",\"dear\":%s,\n\"slices\":[", model->slices_dear ? "true" : "false");
	for (size_t i = 0; i < model->slice_count; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_json_slice(out, &model->slices[i]);
	}
	fputs("],\n\"backtraces\":[", out);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		fputs(i ? ",\n{" : "\n{", out);
		report_json_frames(out, model, &model->backtraces[i]);
		fputc('}', out);
	}
	fputs("\n]}\n", out);
	return fflush(out) || ferror(out) ? -1 : 0;
}

static int write_slices(FILE *out, const void *what, const struct options *options, bool terminal)
{
	struct model *model = (struct model *)what;

	return options->format == FORMAT_JSON ? put_json(out, model, options) : put_text(out, model);
}

int slices_report(const char *path, const struct models *models, const struct options *options)
{
	struct error error;
	struct model *model = slices_model(models, path, &error);

	if (!model) {
		fprintf(stderr, "heaptrace report: %s\n", error.text);
		return EXIT_HEAPTRACE;
	}
	return deliver("report", options, model, write_slices, model);
}
