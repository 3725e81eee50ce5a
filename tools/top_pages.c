// SPDX-License-Identifier: MIT

/* What stands on the screen of `heaptrace top`: the list, the other pages, the status line. See top_ui.h. */

#include "top_ui.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "top_text.h"

#define OUTPUT_SHOWN 65536 /* bytes at the end of the program's output */

static struct top_view view_of(const struct ui *ui)
{
	struct top_view view = {
		.refresh = ui->refresh, .names = ui->names, .order = ui->order, .count = ui->count,
		.ended = ui->state.ended, .paused = ui->paused, .collector_lost = ui->state.collector_lost,
		.filter = ui->filter, .sort = ui->sort, .interval_ms = ui->interval_ms, .curve = ui->curve,
		.curve_count = ui->curve_count, .columns = ui->columns, .utf8 = ui->utf8,
	};

	memcpy(view.how, ui->state.how, sizeof(view.how));
	if (!*view.how && ui->refresh) /* without a collector: what the library noted */
		memcpy(view.how, ui->refresh->model->host.how_it_ended, sizeof(view.how));
	view.processes = ui->state.count;
	return view;
}

static void put_list(struct ui *ui, struct lines *lines)
{
	struct top_view view = view_of(ui);
	size_t room = ui_room(ui);

	if (ui->at < ui->first)
		ui->first = ui->at;
	if (ui->at >= ui->first + room)
		ui->first = ui->at - room + 1;
	view_head(&view, lines);
	if (!ui->refresh && ui->program && program_has_ended(ui->program))
		lines_add(lines, LINE_PLAIN, "  the program ended before it allocated anything, or was not traced");
	else if (ui->refresh && !ui->count)
		lines_add(lines, LINE_DIM, "  %s", *ui->filter ? "no backtrace matches; Esc clears the filter" : "nothing has been allocated yet");
	view_rows(&view, lines, ui->first, room, ui->at);
}

static void put_frames(struct ui *ui, struct lines *lines)
{
	struct top_view view = view_of(ui);

	for (size_t i = 0; ui->refresh && i < ui->refresh->count; i++) {
		if (top_id_same(ui->refresh->rows[i].id, ui->framed)) {
			view_frames(&view, lines, &ui->refresh->rows[i]);
			return;
		}
	}
	lines_add(lines, LINE_DIM, "this backtrace belongs to another process");
}

static void put_help(struct ui *ui, struct lines *lines)
{
	static const char *const help[] = {
		"up down j k PgUp PgDn Home End   move;  Home: stay on the first row",
		"Enter       the frames of a backtrace, with lines;  Esc goes back",
		"s  S        the next, the previous order; or by one key:",
		"l c g r p t   live, count, growth, rate, peak, total",
		"/           show only backtraces with a text in a function, file or module;",
		"            Enter keeps it, Esc clears it",
		"space       pause, go on",
		"+  -  i     longer, shorter interval; type one",
		"b           growth counts from now (baseline)",
		"n           the processes of the run; Enter chooses one",
		"w           write a snapshot, for heaptrace report and diff",
		"a           ask the program for its allocator's figures",
		"o           output of the program, if it was started here",
		"h  ?        this;  q quits",
		"",
		"LIVE    bytes that are allocated and not freed    BLOCKS   how many blocks",
		"CHANGE  of LIVE since the last refresh            GROWTH   since the baseline",
		"ALLOC/S allocations per second since the last refresh",
	};

	for (size_t i = 0; i < sizeof(help) / sizeof(*help); i++)
		lines_add(lines, LINE_PLAIN, "%s", help[i]);
}

static void put_processes(struct ui *ui, struct lines *lines)
{
	for (size_t i = 0; i < ui->state.listed; i++) {
		const struct listed *listed = &ui->state.processes[i];
		bool cursor = i == ui->process_at;

		lines_add(lines, cursor ? LINE_CHOSEN : LINE_PLAIN, "%c %c %7d  %s%s", cursor ? '>' : ' ',
			  listed->chosen ? '*' : ' ', (int)listed->pid, listed->name, listed->ended ? " (ended)" : "");
	}
	if (ui->state.count > ui->state.listed)
		lines_add(lines, LINE_DIM, "    and %zu more", ui->state.count - ui->state.listed);
	if (!ui->state.count)
		lines_add(lines, LINE_DIM, "no process is alive");
}

/** The end of what the program wrote. */
static void put_output(struct ui *ui, struct lines *lines)
{
	int fd = open(ui->program->output, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = memory_zeroed(1, OUTPUT_SHOWN + 1), *rest = text, *line;
	off_t end = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t got = fd < 0 ? -1 : pread(fd, text, OUTPUT_SHOWN, end > OUTPUT_SHOWN ? end - OUTPUT_SHOWN : 0);

	if (got > 0)
		text[got] = '\0';
	for (ssize_t i = 0; i < got; i++)
		text[i] = text[i] == '\t' || text[i] == '\r' || !text[i] ? ' ' : text[i];
	while (got > 0 && (line = strsep(&rest, "\n"))) {
		if (rest || *line)
			lines_add(lines, LINE_PLAIN, "%s", line);
	}
	if (got <= 0)
		lines_add(lines, LINE_DIM, "%s", fd < 0 ? strerror(errno) : "nothing");
	if (fd >= 0)
		close(fd);
	free(text);
}

static void put_page_title(struct ui *ui, struct lines *lines)
{
	switch (ui->page) {
	case PAGE_FRAMES:
		lines_add(lines, LINE_HEADING, "one backtrace; Esc goes back to the list");
		break;
	case PAGE_HELP:
		lines_add(lines, LINE_HEADING, "keys; Esc goes back");
		break;
	case PAGE_PROCESSES:
		lines_add(lines, LINE_HEADING, "processes of the run: %zu; Enter chooses, Esc goes back", ui->state.count);
		break;
	default:
		lines_add(lines, LINE_HEADING, "output of %s: %s; Esc goes back", ui->program->name, ui->program->output);
	}
}

static void move_line(struct lines *to, const struct line *line)
{
	lines_add(to, line->style, "%s", line->text);
}

/** A page of its own below a title, scrolled. */
static void put_page(struct ui *ui, struct lines *lines)
{
	struct lines page = { 0 };
	struct top_view view = view_of(ui);
	size_t room = ui_room(ui);

	if (ui->page == PAGE_FRAMES)
		put_frames(ui, &page);
	else if (ui->page == PAGE_HELP)
		put_help(ui, &page);
	else if (ui->page == PAGE_PROCESSES)
		put_processes(ui, &page);
	else
		put_output(ui, &page);
	ui->page_lines = page.count;
	if (ui->page == PAGE_PROCESSES)
		ui->scroll = ui->process_at >= room ? ui->process_at - room + 1 : 0;
	if (ui->scroll + room > page.count)
		ui->scroll = page.count > room ? page.count - room : 0;
	view_head(&view, lines);
	while (lines->count > 1)
		free(lines->lines[--lines->count].text);
	put_page_title(ui, lines);
	for (size_t i = ui->scroll; i < page.count && i < ui->scroll + room; i++)
		move_line(lines, &page.lines[i]);
	lines_free(&page);
}

static void put_status(struct ui *ui, struct lines *lines)
{
	if (ui->prompt == PROMPT_FILTER)
		lines_add(lines, LINE_HEADING, "/%s_   (Enter keeps, Esc clears)", ui->filter);
	else if (ui->prompt == PROMPT_INTERVAL)
		lines_add(lines, LINE_HEADING, "seconds between refreshes: %s_", ui->input);
	else if (ui->prompt == PROMPT_QUIT)
		lines_add(lines, LINE_HEADING, "%s still runs: t ends it (SIGTERM), w waits for its end, Esc stays", ui->program->name);
	else if (ui->message_until_ms > monotonic_ms())
		lines_add(lines, LINE_HEADING, "%s", ui->message);
	else if (ui->state.collector_lost && !ui->state.ended)
		lines_add(lines, LINE_HEADING, "the collector is gone: figures go on, but nobody says how the program ends");
	else if (ui->page != PAGE_LIST)
		lines_add(lines, LINE_HEADING, "Esc back  up down PgUp PgDn scroll  space pause  w snapshot  h help");
	else if (ui->state.ended)
		lines_add(lines, LINE_HEADING, "%s has ended: these are its last figures.  w snapshot  h help  q quit",
			  ui->refresh ? ui->refresh->model->name : "the program");
	else
		lines_add(lines, LINE_HEADING, "h help  s sort  / filter  Enter frames  space pause  w snapshot  q quit");
}

void ui_compose(struct ui *ui, struct lines *lines)
{
	if (ui->rows < UI_LEAST_ROWS || ui->columns < UI_LEAST_COLUMNS) {
		lines_add(lines, LINE_PLAIN, "too small: %ux%u", ui->columns, ui->rows);
		lines_add(lines, LINE_PLAIN, "needs %ux%u", UI_LEAST_COLUMNS, UI_LEAST_ROWS);
	} else {
		if (ui->page == PAGE_LIST)
			put_list(ui, lines);
		else
			put_page(ui, lines);
		while (lines->count < ui->rows - 1)
			lines_add(lines, LINE_PLAIN, "%s", "");
		put_status(ui, lines);
	}
	while (lines->count > ui->rows)
		free(lines->lines[--lines->count].text);
	lines_fit(lines, ui->columns, ui->utf8);
}
