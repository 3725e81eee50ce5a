// SPDX-License-Identifier: MIT

/* What `heaptrace top` shows, as lines: see top_view.h. */

#include "top_view.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report_common.h"
#include "top_text.h"
#include "units.h"

/** A column of the list; width with the space in front of it. */
struct column {
	const char *heading;
	int width;
	enum sort_key key;  /* that it shows, SORT_NONE: none */
	unsigned from;      /* columns that the terminal must have, unless it is sorted by this */
	struct short_text (*show)(const struct top_refresh *refresh, const struct top_row *row);
};

static struct short_text unknown(void)
{
	return (struct short_text){ "-" };
}

static struct short_text show_live(const struct top_refresh *refresh, const struct top_row *row)
{
	return short_bytes(row->backtrace->live_bytes);
}

static struct short_text show_blocks(const struct top_refresh *refresh, const struct top_row *row)
{
	return short_count(row->backtrace->live_blocks);
}

static struct short_text show_change(const struct top_refresh *refresh, const struct top_row *row)
{
	return refresh->rates.known ? short_growth(row->growth) : unknown();
}

static struct short_text show_growth(const struct top_refresh *refresh, const struct top_row *row)
{
	return short_growth(row->since);
}

static struct short_text show_rate(const struct top_refresh *refresh, const struct top_row *row)
{
	return refresh->rates.known ? short_rate(row->rate) : unknown();
}

static struct short_text show_peak(const struct top_refresh *refresh, const struct top_row *row)
{
	return short_bytes(row->backtrace->peak_bytes);
}

static struct short_text show_total(const struct top_refresh *refresh, const struct top_row *row)
{
	return short_bytes(row->backtrace->total_bytes);
}

static const struct column columns[] = {
	{ "LIVE", 8, SORT_SIZE, 0, show_live },       { "BLOCKS", 8, SORT_COUNT, 0, show_blocks },
	{ "CHANGE", 9, SORT_NONE, 72, show_change },  { "GROWTH", 9, SORT_GROWTH, 0, show_growth },
	{ "ALLOC/S", 9, SORT_RATE, 60, show_rate },   { "PEAK", 9, SORT_PEAK, 100, show_peak },
	{ "TOTAL", 9, SORT_TOTAL, 110, show_total },
};
#define COLUMNS (sizeof(columns) / sizeof(*columns))

void lines_add(struct lines *lines, enum line_style style, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = memory_copy_string("");
	va_end(arguments);
	lines->lines = memory_grow(lines->lines, lines->count, &lines->room, sizeof(*lines->lines));
	lines->lines[lines->count++] = (struct line) { text, style };
}

void lines_fit(struct lines *lines, unsigned width, bool utf8)
{
	for (size_t i = 0; i < lines->count; i++) {
		char *fit = text_fit(lines->lines[i].text, width, utf8);

		free(lines->lines[i].text);
		lines->lines[i].text = fit;
	}
}

void lines_free(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->lines[i].text);
	free(lines->lines);
	*lines = (struct lines) { 0 };
}

/** How a process ended, for people. */
static void describe_end(const char *how, char *text, size_t size)
{
	if (!strncmp(how, "exit:", 5))
		snprintf(text, size, "exit %s", how + 5);
	else if (!strncmp(how, "signal:", 7))
		snprintf(text, size, "killed by %s", how + 7);
	else if (!strcmp(how, "exec"))
		snprintf(text, size, "executed another program");
	else
		snprintf(text, size, "nobody saw how");
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void put_title(const struct top_view *view, struct lines *lines)
{
	const struct model *model = view->refresh->model;
	struct short_text up = short_time(model->now_ns - model->start_ns);
	char how[64], state[128] = "", others[64] = "";

	describe_end(view->how, how, sizeof(how));
	if (view->ended)
		snprintf(state, sizeof(state), "ENDED: %s, after %s", how, up.text);
	else
		snprintf(state, sizeof(state), "up %s%s", up.text, view->paused ? ", PAUSED" : "");
	if (view->processes > 1)
		snprintf(others, sizeof(others), ", 1 of %zu processes", view->processes);
	lines_add(lines, LINE_TITLE, "heaptrace top: %s (pid %d), %s%s%s", model->name, model->pid, state, others,
		  view->collector_lost ? ", collector lost" : "");
}

static void put_live(const struct top_view *view, struct lines *lines)
{
	const struct model *model = view->refresh->model;
	const struct totals *totals = &model->totals;
	struct short_text ago = short_time(model->now_ns > totals->peak_ns ? model->now_ns - totals->peak_ns : 0);

	lines_add(lines, LINE_PLAIN, "live    %s in %" PRIu64 " block%s, peak %s%s %s ago", units_bytes(totals->live_bytes).text,
		  totals->live_blocks, plural(totals->live_blocks), model->peak_bound_bytes ? "about " : "",
		  units_bytes(totals->peak_bytes).text, ago.text);
}

static void put_rates(const struct top_view *view, struct lines *lines)
{
	const struct top_rates *rates = &view->refresh->rates;
	const struct totals *totals = &view->refresh->model->totals;
	char text[96] = "not known yet";

	if (rates->known)
		snprintf(text, sizeof(text), "%s allocs/s, %s frees/s, %s/s", short_rate(rates->allocations).text,
			 short_rate(rates->frees).text, short_bytes(rates->allocated_bytes / 1000).text);
	lines_add(lines, LINE_PLAIN, "rate    %s; ever %s in %s", text, short_bytes(totals->allocated_bytes).text,
		  short_count(totals->allocations).text);
}

static void put_memory(const struct top_view *view, struct lines *lines)
{
	const struct model *model = view->refresh->model;
	const struct statm *statm = &view->refresh->statm;
	char rss[48] = "RSS n/a", allocator[128] = "n/a";

	if (statm->ns)
		snprintf(rss, sizeof(rss), "RSS %s", short_bytes(statm->resident).text);
	if (model->allocator_ns)
		snprintf(allocator, sizeof(allocator), "%s virtual, %s resident, %s ago",
			 short_bytes(model->allocator_arena + model->allocator_hblkhd).text,
			 short_bytes(model->allocator_uordblks + model->allocator_hblkhd).text,
			 short_time(model->now_ns > model->allocator_ns ? model->now_ns - model->allocator_ns : 0).text);
	else if (!view->ended && model->process_flags & HT_PROCESS_GLIBC_MALLOC)
		snprintf(allocator, sizeof(allocator), "not asked (a asks)");
	lines_add(lines, LINE_PLAIN, "memory  %s; allocator %s", rss, allocator);
}

static void put_curve(const struct top_view *view, struct lines *lines)
{
	unsigned room = view->columns > 40 ? view->columns - 8 : 32;
	char *curve = text_curve(view->curve, view->curve_count, room, view->utf8);

	lines_add(lines, LINE_PLAIN, "curve   %s", curve);
	free(curve);
}

static bool has_column(const struct top_view *view, const struct column *column)
{
	return view->columns >= column->from || (column->key != SORT_NONE && column->key == view->sort);
}

static void put_headings(const struct top_view *view, struct lines *lines)
{
	char text[128] = "", heading[16];
	size_t filled = 0;

	for (size_t i = 0; i < COLUMNS; i++) {
		bool sorted = columns[i].key == view->sort;

		snprintf(heading, sizeof(heading), "%s%s", columns[i].heading, sorted ? "*" : "");
		if (has_column(view, &columns[i]))
			filled += (size_t)snprintf(text + filled, sizeof(text) - filled, " %*s", columns[i].width - 1, heading);
	}
	if (*view->filter)
		lines_add(lines, LINE_HEADING, "%s  BACKTRACE with \"%s\" (%zu of %zu)", text, view->filter, view->count,
			  view->refresh->count);
	else
		lines_add(lines, LINE_HEADING, "%s  BACKTRACE (%zu)", text, view->count);
}

void view_head(const struct top_view *view, struct lines *lines)
{
	if (!view->refresh) {
		lines_add(lines, LINE_TITLE, "heaptrace top: waiting for the first figures");
		while (lines->count < HEAD_LINES)
			lines_add(lines, LINE_PLAIN, "%s", "");
		return;
	}
	put_title(view, lines);
	put_live(view, lines);
	put_rates(view, lines);
	put_memory(view, lines);
	put_curve(view, lines);
	put_headings(view, lines);
}

static void put_row(const struct top_view *view, struct lines *lines, const struct top_row *row, bool chosen)
{
	char text[128] = "";
	size_t filled = 0;
	char *label;

	for (size_t i = 0; i < COLUMNS; i++) {
		if (has_column(view, &columns[i]))
			filled += (size_t)snprintf(text + filled, sizeof(text) - filled, " %*s", columns[i].width - 1,
						   columns[i].show(view->refresh, row).text);
	}
	if (chosen)
		text[0] = '>';
	label = top_names_label(view->names, row->backtrace, view->columns);
	lines_add(lines, chosen ? LINE_CHOSEN : LINE_PLAIN, "%s  %s", text, label);
	free(label);
}

void view_rows(const struct top_view *view, struct lines *lines, size_t first, size_t most, size_t chosen)
{
	for (size_t i = first; i < view->count && i - first < most; i++)
		put_row(view, lines, view->order[i], i == chosen);
}

static void put_figures(const struct top_view *view, struct lines *lines, const struct top_row *row)
{
	const struct backtrace *backtrace = row->backtrace;
	uint64_t now = view->refresh->model->now_ns;
	struct short_text since = short_time(now - view->refresh->baseline_ns);

	lines_add(lines, LINE_PLAIN, "live       %s in %" PRIu64 " block%s", units_bytes(backtrace->live_bytes).text,
		  backtrace->live_blocks, plural(backtrace->live_blocks));
	lines_add(lines, LINE_PLAIN, "growth     %s in %s; %s since the last refresh, with %" PRIu64 " allocation%s",
		  short_growth(row->since).text, since.text, short_growth(row->growth).text, row->allocs, plural(row->allocs));
	lines_add(lines, LINE_PLAIN, "peak       %s, %" PRIu64 " block%s", units_bytes(backtrace->peak_bytes).text,
		  backtrace->peak_blocks, plural(backtrace->peak_blocks));
	lines_add(lines, LINE_PLAIN, "ever       %s in %" PRIu64 " block%s; first %s ago, last %s ago",
		  units_bytes(backtrace->total_bytes).text, backtrace->total_blocks, plural(backtrace->total_blocks),
		  short_time(now > backtrace->first_ns ? now - backtrace->first_ns : 0).text,
		  short_time(now > backtrace->last_ns ? now - backtrace->last_ns : 0).text);
}

/** "function +0x12 (file.c:3)"; to be freed. */
static char *name_text(const struct frame *frame, const struct frame_name *name, bool whole_path)
{
	char *place = name && name->function ? NULL : frame_place(frame, false), *text;
	const char *function = place ? place : name->function, *file = name ? name->file : NULL;
	const char *slash = file && !whole_path ? strrchr(file, '/') : NULL;
	char offset[32] = "", line[32] = "";

	if (name && name->function && name->offset != UNKNOWN_OFFSET && !name->inlined)
		snprintf(offset, sizeof(offset), " +0x%" PRIx64, name->offset);
	if (file)
		snprintf(line, sizeof(line), ":%u)", name->line);
	text = memory_format("%s%s%s%s%s%s", function, offset, file ? " (" : "", slash ? slash + 1 : file ? file : "", line,
			     name && name->inlined ? " [inlined]" : "");
	free(place);
	return text;
}

/** Where there is no room for the whole path, the line's number is more worth than the directories. */
static void put_name(const struct top_view *view, struct lines *lines, unsigned number, const struct frame *frame,
		     const struct frame_name *name)
{
	char *text = name_text(frame, name, true);

	if (text_columns(text, view->utf8) + 5 > view->columns) {
		free(text);
		text = name_text(frame, name, false);
	}
	lines_add(lines, LINE_PLAIN, "%3u  %s", number, text);
	free(text);
}

void view_frames(const struct top_view *view, struct lines *lines, const struct top_row *row)
{
	const struct backtrace *backtrace = row->backtrace;

	put_figures(view, lines, row);
	lines_add(lines, LINE_PLAIN, "%s", "");
	lines_add(lines, LINE_PLAIN, "%3u  %s", 0, entry_name(backtrace->entry));
	for (unsigned i = 0; i < backtrace->depth; i++) {
		const struct frame *frame = backtrace->frames[i];
		const struct top_name *name = top_names_find(view->names, frame);

		for (unsigned j = 0; name && j < name->count; j++)
			put_name(view, lines, i + 1, frame, &name->names[j]);
		if (!name)
			put_name(view, lines, i + 1, frame, NULL);
	}
	if (backtrace->truncated)
		lines_add(lines, LINE_DIM, "     [truncated]");
}
