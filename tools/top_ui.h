// SPDX-License-Identifier: MIT

/*
 * What the keys of `heaptrace top` do, and what stands on the screen then. Nothing here knows curses: keys come as
 * numbers, the screen is a list of lines.
 */

#ifndef HEAPTRACE_TOP_UI_H
#define HEAPTRACE_TOP_UI_H

#include "top_program.h"
#include "top_view.h"
#include "top_worker.h"

/** Keys that are no characters. */
enum ui_key {
	UI_UP = 0x110000, UI_DOWN, UI_PAGE_UP, UI_PAGE_DOWN, UI_HOME, UI_END, UI_ENTER, UI_ESCAPE, UI_ERASE, UI_LEFT, UI_RIGHT,
};

enum ui_page { PAGE_LIST, PAGE_FRAMES, PAGE_HELP, PAGE_PROCESSES, PAGE_OUTPUT };
enum ui_prompt { PROMPT_NONE, PROMPT_FILTER, PROMPT_INTERVAL, PROMPT_QUIT };
enum ui_leave { LEAVE_NOT, LEAVE_NOW, LEAVE_ENDING, LEAVE_WAITING };

#define CURVE 512
#define UI_LEAST_ROWS 10u
#define UI_LEAST_COLUMNS 40u

struct ui {
	struct worker *worker;
	struct program *program;      /* NULL: a process that others started */
	const char *save;             /* pattern for snapshots, NULL: the usual one */
	unsigned rows, columns;
	bool utf8;
	struct top_refresh *refresh;  /* the one that is shown, ours */
	struct top_names *names;
	const struct top_row **order; /* of its rows */
	size_t count;
	struct worker_state state;
	enum sort_key sort;
	uint64_t interval_ms;
	bool paused;
	uint64_t curve[CURVE];
	size_t curve_count;
	enum ui_page page;
	enum ui_prompt prompt;
	char filter[128], input[128];
	struct top_id chosen;         /* the backtrace with the cursor, if `follows` */
	bool follows;                 /* false: the cursor is on the first row, whichever that is */
	size_t at, first;             /* index of the cursor, and of the first row on the screen */
	struct top_id framed;         /* whose frames are shown */
	size_t scroll, page_lines;    /* of the other pages */
	size_t process_at;            /* cursor in the list of processes */
	char message[640];
	uint64_t message_until_ms;
	unsigned messages_seen;
	enum ui_leave leave;
};

/** Show what a worker reads. */
void ui_begin(struct ui *ui, struct worker *worker, struct program *program, const struct options *options, bool utf8);

/** Take what the worker has. @return true if something has changed */
bool ui_update(struct ui *ui);

void ui_press(struct ui *ui, int key);

/** All lines of the screen, `rows` of them, each fitting into `columns`. */
void ui_compose(struct ui *ui, struct lines *lines);

void ui_end(struct ui *ui);

/** Lines that there are for what the page is about. */
size_t ui_room(const struct ui *ui);

#endif
