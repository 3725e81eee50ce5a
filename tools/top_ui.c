// SPDX-License-Identifier: MIT

/* What the keys do: see top_ui.h. The pages are in top_pages.c. */

#include "top_ui.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "output.h"
#include "top_text.h"

#define MESSAGE_MS 6000u

__attribute__((format(printf, 2, 3)))
static void say(struct ui *ui, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ui->message, sizeof(ui->message), format, arguments);
	va_end(arguments);
	ui->message_until_ms = monotonic_ms() + MESSAGE_MS;
}

void ui_begin(struct ui *ui, struct worker *worker, struct program *program, const struct options *options, bool utf8)
{
	*ui = (struct ui) {
		.worker = worker, .program = program, .save = options->save, .utf8 = utf8, .sort = options->sort[0],
		.interval_ms = options->refresh_ms,
	};
}

/* ---- the list ---- */

/** The filter's knowledge of a refresh. */
struct filtering {
	const struct ui *ui;
	bool *frames;
};

static bool is_shown(const struct top_row *row, void *data)
{
	const struct filtering *filtering = data;
	const struct backtrace *backtrace = row->backtrace;

	if (!filtering->frames)
		return true;
	for (unsigned i = 0; i < backtrace->depth; i++) {
		if (filtering->frames[backtrace->frames[i] - filtering->ui->refresh->model->frames])
			return true;
	}
	return false;
}

/** Find the cursor's backtrace again. */
static void place_cursor(struct ui *ui)
{
	if (ui->at >= ui->count)
		ui->at = ui->count ? ui->count - 1 : 0;
	for (size_t i = 0; ui->follows && i < ui->count; i++) {
		if (top_id_same(ui->order[i]->id, ui->chosen)) {
			ui->at = i;
			return;
		}
	}
	if (!ui->follows)
		ui->at = 0;
	else if (ui->count)
		ui->chosen = ui->order[ui->at]->id;
}

static void sort(struct ui *ui)
{
	struct filtering filtering = { .ui = ui };

	if (!ui->refresh)
		return;
	free(ui->order);
	if (*ui->filter)
		filtering.frames = top_names_matches(ui->names, ui->refresh->model, ui->filter);
	ui->count = top_rows_sort(ui->refresh, ui->sort, is_shown, &filtering, &ui->order);
	free(filtering.frames);
	place_cursor(ui);
}

static void add_to_curve(struct ui *ui)
{
	if (ui->curve_count == CURVE) {
		memmove(ui->curve, ui->curve + 1, (CURVE - 1) * sizeof(*ui->curve));
		ui->curve_count--;
	}
	ui->curve[ui->curve_count++] = ui->refresh->model->totals.live_bytes;
}

/** Is anything of the run alive? The launcher itself ends a moment after its program. */
static bool is_anything_alive(const struct ui *ui)
{
	if (program_has_ended(ui->program))
		return false;
	for (size_t i = 0; i < ui->state.listed; i++) {
		if (!ui->state.processes[i].ended)
			return true;
	}
	return !ui->state.ended;
}

bool ui_update(struct ui *ui)
{
	struct top_names *names = ui->names;
	struct top_refresh *fresh = worker_take(ui->worker, &names);

	worker_look(ui->worker, &ui->state);
	if (ui->state.messages != ui->messages_seen)
		say(ui, "%s", ui->state.message);
	ui->messages_seen = ui->state.messages;
	if (fresh) {
		if (names != ui->names)
			ui->curve_count = 0;
		top_refresh_free(ui->refresh);
		ui->refresh = fresh;
		ui->names = names;
		add_to_curve(ui);
	}
	if (fresh || *ui->filter)
		sort(ui);
	if (ui->prompt == PROMPT_QUIT && !is_anything_alive(ui))
		ui->leave = LEAVE_NOW;
	return fresh != NULL;
}

size_t ui_room(const struct ui *ui)
{
	size_t taken = ui->page == PAGE_LIST ? HEAD_LINES + 1 : 3;

	return ui->rows > taken ? ui->rows - taken : 1;
}

static void move_to(struct ui *ui, size_t at)
{
	if (!ui->count)
		return;
	ui->at = at < ui->count ? at : ui->count - 1;
	ui->chosen = ui->order[ui->at]->id;
	ui->follows = true;
}

static void set_sort(struct ui *ui, enum sort_key key)
{
	ui->sort = key;
	ui->follows = false;
	sort(ui);
	say(ui, "sorted by %s", key == SORT_SIZE ? "live bytes" : sort_key_name(key));
}

static void next_sort(struct ui *ui, int step)
{
	static const enum sort_key keys[] = { SORT_SIZE, SORT_COUNT, SORT_GROWTH, SORT_RATE, SORT_PEAK, SORT_TOTAL };
	int count = sizeof(keys) / sizeof(*keys), at = 0;

	while (at < count - 1 && keys[at] != ui->sort)
		at++;
	set_sort(ui, keys[(at + step + count) % count]);
}

static void ask_lines(struct ui *ui)
{
	struct wishes *wishes = worker_wish(ui->worker);

	wishes->lines = true;
	wishes->lines_of = ui->framed;
	worker_wished(ui->worker);
}

static void open_frames(struct ui *ui)
{
	if (!ui->count)
		return;
	ui->framed = ui->order[ui->at]->id;
	ui->page = PAGE_FRAMES;
	ui->scroll = 0;
	ask_lines(ui);
}

/* ---- what other keys do ---- */

static void set_interval(struct ui *ui, uint64_t interval_ms)
{
	struct wishes *wishes = worker_wish(ui->worker);

	wishes->interval_ms = ui->interval_ms = interval_ms;
	wishes->now = !ui->paused;
	worker_wished(ui->worker);
	say(ui, "a refresh every %g s", (double)interval_ms / 1000);
}

static void step_interval(struct ui *ui, bool longer)
{
	static const uint64_t steps[] = { 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000 };
	size_t count = sizeof(steps) / sizeof(*steps), at = 0;

	while (at < count - 1 && steps[at] < ui->interval_ms)
		at++;
	if (longer)
		at += at < count - 1 && steps[at] == ui->interval_ms;
	else
		at -= at > 0;
	set_interval(ui, steps[at]);
}

static void toggle_pause(struct ui *ui)
{
	struct wishes *wishes = worker_wish(ui->worker);

	ui->paused = !ui->paused;
	wishes->paused = ui->paused;
	wishes->now = !ui->paused;
	worker_wished(ui->worker);
	say(ui, "%s", ui->paused ? "paused; space goes on" : "going on");
}

static void set_baseline(struct ui *ui)
{
	struct wishes *wishes = worker_wish(ui->worker);

	wishes->new_baseline = true;
	worker_wished(ui->worker);
	say(ui, "growth counts from now");
}

static void ask_allocator(struct ui *ui)
{
	struct wishes *wishes = worker_wish(ui->worker);

	wishes->allocator = true;
	worker_wished(ui->worker);
}

/** A name that no file has: what --save says, or heaptrace.NAME.PID.htrace; then with .2, .3 ... */
static char *snapshot_name(struct ui *ui)
{
	static struct output_names used;
	const struct model *model = ui->refresh->model;
	struct output output;
	char directory[PATH_MAX], error[512];
	const char *name;

	if (!getcwd(directory, sizeof(directory)))
		strcpy(directory, "/");
	if (output_prepare(&output, ui->save ? ui->save : "heaptrace.%n.%p.htrace", directory, "save", error, sizeof(error)) ||
	    !output.pattern) {
		say(ui, "not written: %s", output.pattern ? error : "a snapshot goes to a file; name one with --save");
		return NULL;
	}
	do
		name = output_name(&used, &output, model->pid, model->name);
	while (access(name, F_OK) == 0);
	free(output.pattern);
	return memory_copy_string(name);
}

static void write_snapshot(struct ui *ui)
{
	char *name = ui->refresh ? snapshot_name(ui) : NULL;
	struct wishes *wishes;

	if (!name)
		return;
	say(ui, "writing %s", name);
	wishes = worker_wish(ui->worker);
	free(wishes->save);
	wishes->save = name;
	worker_wished(ui->worker);
}

static void quit(struct ui *ui)
{
	if (ui->program && is_anything_alive(ui))
		ui->prompt = PROMPT_QUIT;
	else
		ui->leave = LEAVE_NOW;
}

static void open_page(struct ui *ui, enum ui_page page)
{
	ui->page = page;
	ui->scroll = page == PAGE_OUTPUT ? SIZE_MAX / 2 : 0; /* its end */
	ui->process_at = 0;
	for (size_t i = 0; i < ui->state.listed; i++) {
		if (ui->state.processes[i].chosen)
			ui->process_at = i;
	}
}

static void choose_process(struct ui *ui)
{
	struct wishes *wishes;

	if (ui->process_at >= ui->state.listed)
		return;
	wishes = worker_wish(ui->worker);
	wishes->choose = true;
	wishes->inode = ui->state.processes[ui->process_at].inode;
	wishes->number = ui->state.processes[ui->process_at].number;
	wishes->paused = ui->paused = false;
	worker_wished(ui->worker);
	ui->follows = false;
	ui->page = PAGE_LIST;
}

/* ---- keys ---- */

/** Keys that mean the same on all pages. @return false: it is none of them */
static bool press_anywhere(struct ui *ui, int key)
{
	switch (key) {
	case 'q':
		quit(ui);
		return true;
	case 'h':
	case '?':
		open_page(ui, PAGE_HELP);
		return true;
	case ' ':
		toggle_pause(ui);
		return true;
	case 'w':
		write_snapshot(ui);
		return true;
	case 'b':
		set_baseline(ui);
		return true;
	case 'a':
		ask_allocator(ui);
		return true;
	case '+':
	case '-':
		step_interval(ui, key == '+');
		return true;
	case 'i':
		ui->prompt = PROMPT_INTERVAL;
		*ui->input = '\0';
		return true;
	case 'n':
		open_page(ui, PAGE_PROCESSES);
		return true;
	case 'o':
		if (ui->program)
			open_page(ui, PAGE_OUTPUT);
		else
			say(ui, "the output is where it went before: others have started this program");
		return true;
	default:
		return false;
	}
}

/** The column that a letter stands for, or SORT_NONE. */
static enum sort_key sort_of_key(int key)
{
	static const struct {
		int key;
		enum sort_key sort;
	} letters[] = {
		{ 'l', SORT_SIZE }, { 'c', SORT_COUNT }, { 'g', SORT_GROWTH },
		{ 'r', SORT_RATE }, { 'p', SORT_PEAK },  { 't', SORT_TOTAL },
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (letters[i].key == key)
			return letters[i].sort;
	}
	return SORT_NONE;
}

static void press_in_list(struct ui *ui, int key)
{
	size_t room = ui_room(ui);

	switch (key) {
	case UI_UP:
	case 'k':
		move_to(ui, ui->at ? ui->at - 1 : 0);
		break;
	case UI_DOWN:
	case 'j':
		move_to(ui, ui->at + 1);
		break;
	case UI_PAGE_UP:
		move_to(ui, ui->at > room ? ui->at - room : 0);
		break;
	case UI_PAGE_DOWN:
		move_to(ui, ui->at + room);
		break;
	case UI_HOME:
		ui->follows = false;
		ui->at = 0;
		break;
	case UI_END:
		move_to(ui, ui->count);
		break;
	case UI_ENTER:
	case UI_RIGHT:
		open_frames(ui);
		break;
	case '/':
		ui->prompt = PROMPT_FILTER;
		break;
	case UI_ESCAPE:
		*ui->filter = '\0';
		sort(ui);
		break;
	case 's':
	case '>':
		next_sort(ui, 1);
		break;
	case 'S':
	case '<':
		next_sort(ui, -1);
		break;
	default:
		if (sort_of_key(key) != SORT_NONE)
			set_sort(ui, sort_of_key(key));
	}
}

static void press_in_page(struct ui *ui, int key)
{
	size_t room = ui_room(ui), last = ui->page_lines > room ? ui->page_lines - room : 0;
	size_t *at = ui->page == PAGE_PROCESSES ? &ui->process_at : &ui->scroll;

	if (ui->page == PAGE_PROCESSES)
		last = ui->state.count ? ui->state.count - 1 : 0;
	if (*at > last)
		*at = last;
	if (key == UI_UP || key == 'k')
		*at -= *at > 0;
	else if (key == UI_DOWN || key == 'j')
		*at += *at < last;
	else if (key == UI_PAGE_UP)
		*at -= *at > room ? room : *at;
	else if (key == UI_PAGE_DOWN)
		*at = *at + room < last ? *at + room : last;
	else if (key == UI_HOME)
		*at = 0;
	else if (key == UI_END)
		*at = last;
	else if (key == UI_ENTER && ui->page == PAGE_PROCESSES)
		choose_process(ui);
	else if (key == UI_ESCAPE || key == UI_ENTER || key == UI_LEFT)
		ui->page = PAGE_LIST;
}

/** A line that is being typed. */
static void edit(char *text, size_t size, int key)
{
	size_t length = strlen(text);

	if (key == UI_ERASE && length) {
		do
			text[--length] = '\0';
		while (length && ((unsigned char)text[length] & 0xc0) == 0x80);
		while (length && (unsigned char)text[length - 1] >= 0xc0)
			text[--length] = '\0';
	} else if (key >= ' ' && key < 256 && key != 0x7f && length + 1 < size) {
		text[length] = (char)key;
		text[length + 1] = '\0';
	}
}

static void press_in_filter(struct ui *ui, int key)
{
	if (key == UI_ESCAPE)
		*ui->filter = '\0';
	if (key == UI_ESCAPE || key == UI_ENTER)
		ui->prompt = PROMPT_NONE;
	edit(ui->filter, sizeof(ui->filter), key);
	ui->follows = false;
	sort(ui);
}

static void press_in_interval(struct ui *ui, int key)
{
	char *end;
	double seconds;

	edit(ui->input, sizeof(ui->input), key);
	if (key == UI_ESCAPE || key == UI_ENTER)
		ui->prompt = PROMPT_NONE;
	if (key != UI_ENTER)
		return;
	seconds = strtod(ui->input, &end);
	if (end == ui->input || *end || !(seconds >= 0.05 && seconds <= 86400))
		say(ui, "'%.60s' is no time; give seconds from 0.05 to 86400", ui->input);
	else
		set_interval(ui, (uint64_t)(seconds * 1000 + 0.5));
}

static void press_in_quit(struct ui *ui, int key)
{
	ui->prompt = PROMPT_NONE;
	if (key == 't' || key == 'q')
		ui->leave = LEAVE_ENDING;
	else if (key == 'w')
		ui->leave = LEAVE_WAITING;
}

void ui_press(struct ui *ui, int key)
{
	ui->message_until_ms = 0;
	if (ui->prompt == PROMPT_FILTER)
		press_in_filter(ui, key);
	else if (ui->prompt == PROMPT_INTERVAL)
		press_in_interval(ui, key);
	else if (ui->prompt == PROMPT_QUIT)
		press_in_quit(ui, key);
	else if (ui->page != PAGE_LIST && key == 'q')
		ui->page = PAGE_LIST;
	else if (!press_anywhere(ui, key)) {
		if (ui->page == PAGE_LIST)
			press_in_list(ui, key);
		else
			press_in_page(ui, key);
	}
}

void ui_end(struct ui *ui)
{
	free(ui->order);
	ui->order = NULL;
}
