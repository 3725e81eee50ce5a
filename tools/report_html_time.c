// SPDX-License-Identifier: MIT

/* Timeline and slices of an HTML report: see report_html_time.h. */

#include "report_html_time.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "memory.h"
#include "slices.h"

/* A page has to stay small: at most so many moments, and not more changes than that, if all backtraces changed in each. */
#define MOST_MOMENTS 64
#define LEAST_MOMENTS 4
#define MOST_CHANGES 400000

static uint64_t allocator_taken(const struct timeline_point *point)
{
	if (point->allocator_arena == UNKNOWN_FIGURE || point->allocator_hblkhd == UNKNOWN_FIGURE)
		return UNKNOWN_FIGURE;
	return point->allocator_arena + point->allocator_hblkhd;
}

static void put_points(FILE *out, const struct model *model, const char *key, uint64_t (*figure)(const struct timeline_point *))
{
	fprintf(out, "\"%s\":[", key);
	for (size_t i = 0; i < model->timeline_count; i++) {
		uint64_t value = figure(&model->timeline[i]);

		fputs(i ? "," : "", out);
		fprintf(out, value == UNKNOWN_FIGURE ? "null" : "%" PRIu64, value);
	}
	fputc(']', out);
}

#define POINT(name) \
	static uint64_t point_##name(const struct timeline_point *point) \
	{ \
		return point->name; \
	}
POINT(ns)
POINT(live_bytes)
POINT(rss)
#undef POINT

void html_put_timeline(FILE *out, const struct model *model)
{
	fputs("\"timeline\":{", out);
	put_points(out, model, "ns", point_ns);
	fputc(',', out);
	put_points(out, model, "live_bytes", point_live_bytes);
	fputc(',', out);
	put_points(out, model, "rss", point_rss);
	fputc(',', out);
	put_points(out, model, "allocator", allocator_taken);
	fputs("},\n", out);
}

/** The slices that are written: first and last are among them. */
struct moments {
	const struct model *model;
	size_t chosen[MOST_MOMENTS];
	size_t count;
};

static void choose_moments(struct moments *moments)
{
	const struct model *model = moments->model;
	size_t most = model->backtrace_count ? MOST_CHANGES / model->backtrace_count : MOST_MOMENTS;

	most = most > MOST_MOMENTS ? MOST_MOMENTS : most < LEAST_MOMENTS ? LEAST_MOMENTS : most;
	moments->count = model->slice_count < most ? model->slice_count : most;
	for (size_t i = 0; i < moments->count; i++)
		moments->chosen[i] = moments->count > 1 ? i * (model->slice_count - 1) / (moments->count - 1) : 0;
}

static void put_times(FILE *out, const struct moments *moments)
{
	fputs("\"slices\":{\"ns\":[", out);
	for (size_t i = 0; i < moments->count; i++)
		fprintf(out, "%s%" PRIu64, i ? "," : "", moments->model->slices[moments->chosen[i]].ns);
	fputs("],\"changes\":[", out);
}

/** [row, bytes, blocks, row, bytes, blocks, ...]: rows as distances. `seen` has what was live before, and then what is. */
static void put_changes(FILE *out, const struct model *model, const struct slice_change *sums, struct slice_change *seen)
{
	const char *separator = "\n[";
	size_t row = 0, last = 0;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		uint64_t bytes = sums[i].allocated_bytes - sums[i].freed_bytes;
		uint64_t blocks = sums[i].allocated_blocks - sums[i].freed_blocks;

		if (model->backtraces[i].ignored)
			continue;
		if (bytes != seen[i].allocated_bytes || blocks != seen[i].allocated_blocks) {
			fprintf(out, "%s%zu,%" PRId64 ",%" PRId64, separator, row - last,
				(int64_t)(bytes - seen[i].allocated_bytes), (int64_t)(blocks - seen[i].allocated_blocks));
			separator = ",";
			last = row;
		}
		seen[i].allocated_bytes = bytes;
		seen[i].allocated_blocks = blocks;
		row++;
	}
	fputs(separator[0] == '\n' ? "[]" : "]", out);
}

void html_put_slices(FILE *out, const struct model *model)
{
	struct moments moments = { .model = model };
	struct slice_change *sums, *seen;
	size_t next = 1;

	if (!model->slice_count)
		return;
	choose_moments(&moments);
	sums = slices_sums(model, 0);
	seen = memory_zeroed(model->backtrace_count + 1, sizeof(*seen));
	put_times(out, &moments);
	for (size_t i = 0; i < moments.count; i++) {
		for (; next <= moments.chosen[i]; next++)
			slices_add(sums, &model->slices[next]);
		fputs(i ? "," : "", out);
		put_changes(out, model, sums, seen);
	}
	fputs("]},\n", out);
	free(sums);
	free(seen);
}
