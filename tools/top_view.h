// SPDX-License-Identifier: MIT

/*
 * What `heaptrace top` shows, as lines of text: the head, the list of backtraces, the frames of one, and the other
 * pages. Nothing here knows a terminal; --batch prints the same lines.
 */

#ifndef HEAPTRACE_TOP_VIEW_H
#define HEAPTRACE_TOP_VIEW_H

#include "top_names.h"
#include "top_rows.h"

enum line_style { LINE_PLAIN, LINE_TITLE, LINE_HEADING, LINE_CHOSEN, LINE_DIM };

/** Lines of a page; empty when zeroed. */
struct lines {
	struct line {
		char *text;
		enum line_style style;
	} *lines;
	size_t count, room;
};

/** Everything that is shown. */
struct top_view {
	const struct top_refresh *refresh; /* NULL: nothing has been read yet */
	struct top_names *names;
	const struct top_row **order;      /* rows that are shown, best first */
	size_t count;
	char how[32];                      /* how the process ended, as in host_facts; "running" */
	bool ended, paused, collector_lost;
	size_t processes;                  /* of the run, alive */
	const char *filter;                /* "" if there is none */
	enum sort_key sort;
	uint64_t interval_ms;
	const uint64_t *curve;             /* live bytes of the last refreshes */
	size_t curve_count;
	unsigned columns;
	bool utf8;
};

/** Lines that view_head() makes. */
#define HEAD_LINES 6

/** Process, figures of the whole, curve, headings of the list. */
void view_head(const struct top_view *view, struct lines *lines);

/** Rows [first, first + most) of the list; `chosen` is the index of the row with the cursor, or SIZE_MAX. */
void view_rows(const struct top_view *view, struct lines *lines, size_t first, size_t most, size_t chosen);

/** Figures and frames of one backtrace. */
void view_frames(const struct top_view *view, struct lines *lines, const struct top_row *row);

__attribute__((format(printf, 3, 4)))
void lines_add(struct lines *lines, enum line_style style, const char *format, ...);

/** Make every line fit. */
void lines_fit(struct lines *lines, unsigned columns, bool utf8);

void lines_free(struct lines *lines);

#endif
