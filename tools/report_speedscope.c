// SPDX-License-Identifier: MIT

/*
 * speedscope's own format: one file with three profiles (live, at the peak, total), where its import of pprof takes one.
 * Frames are shared by all. All processes are in it, each below a frame with the name of its program.
 */

#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "json.h"
#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "symbols.h"

/** One frame as speedscope knows it. */
struct shown {
	const char *name, *file;
	unsigned line;
};

/** A backtrace as indices of frames, root first: `at` and `depth` in the document's `indices`. */
struct sample {
	const struct backtrace *backtrace;
	size_t at, depth;
};

struct document {
	struct strings names;
	struct table known;     /* (name and file, line) to index; see show() */
	struct table places;    /* (name, file) to number */
	struct shown *shown;
	size_t shown_count, shown_room;
	uint32_t *indices;
	size_t index_count, index_room;
	struct sample *samples;
	size_t sample_count, sample_room;
	const struct options *options;
};

static uint32_t show(struct document *document, const char *name, const char *file, unsigned line)
{
	const char *kept_name = strings_keep(&document->names, name);
	const char *kept_file = file ? strings_keep(&document->names, file) : NULL;
	bool fresh;
	uint32_t *place = table_at(&document->places, (uintptr_t)kept_name, (uintptr_t)kept_file, &fresh), *index;

	if (fresh)
		*place = (uint32_t)document->places.used;
	index = table_at(&document->known, *place, line, &fresh);
	if (fresh) {
		*index = (uint32_t)document->shown_count;
		document->shown = memory_grow(document->shown, document->shown_count, &document->shown_room,
					      sizeof(*document->shown));
		document->shown[document->shown_count++] = (struct shown) { kept_name, kept_file, line };
	}
	return *index;
}

static void push_index(struct document *document, uint32_t index)
{
	document->indices = memory_grow(document->indices, document->index_count, &document->index_room,
					sizeof(*document->indices));
	document->indices[document->index_count++] = index;
}

static void add_backtrace(struct document *document, const struct backtrace *backtrace, const struct stack_lines *stack,
			  uint32_t root)
{
	struct sample sample = { .backtrace = backtrace, .at = document->index_count, .depth = stack->count + 1 };

	push_index(document, root);
	for (size_t i = stack->count; i-- > 0;) {
		char *name = stack_line_name(&stack->lines[i]);

		push_index(document, show(document, name, stack->lines[i].file, stack->lines[i].line));
		free(name);
	}
	document->samples = memory_grow(document->samples, document->sample_count, &document->sample_room,
					sizeof(*document->samples));
	document->samples[document->sample_count++] = sample;
}

static void add_model(struct document *document, struct model *model)
{
	struct stack_lines stack = { 0 };
	struct figures figures;
	struct rules *rules = figures_make(&figures, model, document->options);
	uint32_t root = show(document, model->name, NULL, 0);

	symbols_name_all(model, document->options);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (model->backtraces[i].ignored)
			continue;
		stack_lines_make(&stack, model, &model->backtraces[i], document->options->keep_allocator);
		add_backtrace(document, &model->backtraces[i], &stack, root);
	}
	free(stack.lines);
	rules_free(rules);
}

static void put_frames(FILE *out, const struct document *document)
{
	fputs("\"shared\":{\"frames\":[", out);
	for (size_t i = 0; i < document->shown_count; i++) {
		const struct shown *shown = &document->shown[i];

		fputs(i ? ",\n{\"name\":" : "\n{\"name\":", out);
		json_string(out, shown->name);
		if (shown->file) {
			fputs(",\"file\":", out);
			json_string(out, shown->file);
		}
		if (shown->line)
			fprintf(out, ",\"line\":%u", shown->line);
		fputc('}', out);
	}
	fputs("]},\n", out);
}

static uint64_t weight_of(const struct sample *sample, enum flame_metric metric)
{
	return backtrace_metric_bytes(sample->backtrace, metric);
}

static void put_sample(FILE *out, const struct document *document, const struct sample *sample)
{
	fputc('[', out);
	for (size_t i = 0; i < sample->depth; i++)
		fprintf(out, "%s%" PRIu32, i ? "," : "", document->indices[sample->at + i]);
	fputc(']', out);
}

static void put_profile(FILE *out, const struct document *document, enum flame_metric metric, const char *name)
{
	const char *separator = "";
	uint64_t sum = 0;

	fprintf(out, "{\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"bytes\",\"samples\":[", name);
	for (size_t i = 0; i < document->sample_count; i++) {
		if (!weight_of(&document->samples[i], metric))
			continue;
		fputs(separator, out);
		put_sample(out, document, &document->samples[i]);
		separator = ",\n";
	}
	fputs("],\"weights\":[", out);
	separator = "";
	for (size_t i = 0; i < document->sample_count; i++) {
		uint64_t weight = weight_of(&document->samples[i], metric);

		if (!weight)
			continue;
		fprintf(out, "%s%" PRIu64, separator, weight);
		separator = ",";
		sum += weight;
	}
	fprintf(out, "],\"startValue\":0,\"endValue\":%" PRIu64 "}", sum);
}

static void put_document(FILE *out, const struct document *document, const char *name)
{
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n", out);
	put_frames(out, document);
	fputs("\"profiles\":[\n", out);
	put_profile(out, document, METRIC_LIVE, "live");
	fputs(",\n", out);
	put_profile(out, document, METRIC_AT_PEAK, "at the peak");
	fputs(",\n", out);
	put_profile(out, document, METRIC_TOTAL, "total");
	fprintf(out, "],\n\"activeProfileIndex\":%d,\"exporter\":\"heaptrace " HT_RELEASE "\",\"name\":",
		(int)document->options->metric);
	json_string(out, name);
	fputs("}\n", out);
}

int report_speedscope(FILE *out, struct model **models, size_t count, const struct options *options)
{
	struct document document = { .options = options };

	for (size_t i = 0; i < count; i++)
		add_model(&document, models[i]);
	put_document(out, &document, count ? models[0]->name : "nothing");
	free(document.samples);
	free(document.indices);
	free(document.shown);
	table_free(&document.known);
	table_free(&document.places);
	strings_free(&document.names);
	return fflush(out) || ferror(out) ? -1 : 0;
}
