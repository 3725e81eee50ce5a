// SPDX-License-Identifier: MIT

/*
 * Curses: see top_screen.h. Signals come through a descriptor, so nothing is ever interrupted in the middle of a
 * drawing. Only crashes are handled where they happen: what gives the terminal back is prepared for that beforehand.
 */

#include "top_screen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#undef lines
#undef columns

#define REDRAW_MS 1000

/** What a crash needs to give the terminal back. */
static struct {
	pid_t pid;              /* ours: children must not touch the terminal */
	int keys;
	bool active;
	struct termios before;
	char reset[256];
	size_t reset_size;
} terminal;

const char *screen_missing(const char *type)
{
	int error;
	if (!type || !*type)
		return "TERM is not set";
	if (setupterm(type, STDOUT_FILENO, &error) != OK)
		return "the type of the terminal is not known here";
	return cursor_address ? NULL : "the terminal cannot place its cursor";
}

static void give_back(void)
{
	if (!terminal.active || getpid() != terminal.pid)
		return;
	terminal.active = false;
	endwin();
	tcsetattr(terminal.keys, TCSADRAIN, &terminal.before);
}

static void crashed(int number)
{
	if (terminal.active && getpid() == terminal.pid && write(STDOUT_FILENO, terminal.reset, terminal.reset_size) >= 0)
		tcsetattr(terminal.keys, TCSANOW, &terminal.before);
	raise(number); /* its old action is back, SA_RESETHAND */
}

/** What the terminal has no capability for is left out. */
static void add_reset(const char *capability)
{
	size_t size = capability ? strcspn(capability, "$") : 0; /* "$<5>" is padding */
	if (!size || terminal.reset_size + size > sizeof(terminal.reset))
		return;
	memcpy(terminal.reset + terminal.reset_size, capability, size);
	terminal.reset_size += size;
}

static void prepare_for_crashes(int keys)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER}, old;
	terminal.pid = getpid();
	terminal.keys = keys;
	tcgetattr(keys, &terminal.before);
	add_reset(exit_attribute_mode);
	add_reset(keypad_local);
	add_reset(cursor_normal);
	add_reset(exit_ca_mode);
	add_reset("\r\n");
	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++) {
		if (sigaction(crashes[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(crashes[i], &action, NULL);
	}
	atexit(give_back);
	terminal.active = true;
}

static void begin(enum color_when color, FILE *in, FILE *out)
{
	SCREEN *screen = newterm(NULL, out, in);
	if (!screen) {
		terminal.active = false;
		fprintf(stderr, "heaptrace top: the terminal cannot be used; use --batch\n");
		exit(125);
	}
	set_term(screen);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	nodelay(stdscr, TRUE);
	curs_set(0);
	if (color != COLOR_NEVER && has_colors() && start_color() == OK && use_default_colors() == OK) {
		init_pair(1, COLOR_CYAN, -1);
		init_pair(2, COLOR_YELLOW, -1);
	}
}

static attr_t attributes(enum line_style style, bool color)
{
	switch (style) {
	case LINE_TITLE:
		return A_BOLD | (color ? (attr_t)COLOR_PAIR(1) : 0);
	case LINE_HEADING:
		return A_REVERSE;
	case LINE_CHOSEN:
		return A_BOLD | (color ? (attr_t)COLOR_PAIR(2) : 0);
	case LINE_DIM:
		return A_DIM;
	default:
		return A_NORMAL;
	}
}

static void draw(struct ui *ui, bool color)
{
	struct lines lines = {0};
	ui_compose(ui, &lines);
	erase();
	for (size_t i = 0; i < lines.count; i++) {
		const struct line *line = &lines.lines[i];
		attrset(attributes(line->style, color));
		/* The last place of the screen stays free: writing to it scrolls some terminals. */
		if (line->style == LINE_HEADING)
			mvhline((int)i, 0, ' ', (int)ui->columns - (i + 1 == ui->rows));
		mvaddstr((int)i, 0, line->text);
	}
	attrset(A_NORMAL);
	refresh();
	lines_free(&lines);
}

static void measure(struct ui *ui)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	ui->rows = (unsigned)LINES;
	ui->columns = (unsigned)COLS;
}

static int key_of(int key)
{
	static const struct { int from, to; } keys[] = {
		{KEY_UP, UI_UP}, {KEY_DOWN, UI_DOWN}, {KEY_PPAGE, UI_PAGE_UP}, {KEY_NPAGE, UI_PAGE_DOWN}, {KEY_HOME, UI_HOME},
		{KEY_END, UI_END}, {KEY_LEFT, UI_LEFT}, {KEY_RIGHT, UI_RIGHT}, {KEY_ENTER, UI_ENTER}, {'\r', UI_ENTER},
		{'\n', UI_ENTER}, {27, UI_ESCAPE}, {KEY_BACKSPACE, UI_ERASE}, {127, UI_ERASE}, {8, UI_ERASE},
		{2, UI_PAGE_UP}, {6, UI_PAGE_DOWN},
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (keys[i].from == key)
			return keys[i].to;
	}
	return key;
}

/** Ctrl-Z: as if we were any other program. */
static void stop(void)
{
	struct termios ours;
	tcgetattr(terminal.keys, &ours);
	endwin();
	tcsetattr(terminal.keys, TCSADRAIN, &terminal.before);
	raise(SIGSTOP);
	tcsetattr(terminal.keys, TCSADRAIN, &ours);
	clearok(stdscr, TRUE);
}

/** @return a signal that ends us, or 0 */
static int take_signals(struct ui *ui, int signals)
{
	struct signalfd_siginfo information;
	while (read(signals, &information, sizeof(information)) == sizeof(information)) {
		int number = (int)information.ssi_signo;
		if (number == SIGTSTP)
			stop();
		else if (number != SIGWINCH && number != SIGCHLD && number != SIGCONT)
			return number;
		measure(ui);
	}
	return 0;
}

static void take_keys(struct ui *ui)
{
	int key;
	while (ui->leave == LEAVE_NOT && (key = getch()) != ERR) {
		if (key == 12)
			clearok(stdscr, TRUE);
		else if (key != KEY_RESIZE)
			ui_press(ui, key_of(key));
	}
}

static void drain(int wake)
{
	uint64_t count;
	while (read(wake, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}

static int loop(struct ui *ui, bool color, int keys, int wake, int signals)
{
	int number = 0;
	while (ui->leave == LEAVE_NOT && !number) {
		struct pollfd descriptors[] = {
			{.fd = keys, .events = POLLIN}, {.fd = wake, .events = POLLIN}, {.fd = signals, .events = POLLIN},
		};
		ui_update(ui);
		draw(ui, color);
		if (poll(descriptors, 3, REDRAW_MS) < 0)
			continue;
		if (descriptors[2].revents)
			number = take_signals(ui, signals);
		if (descriptors[1].revents)
			drain(wake);
		if (descriptors[0].revents & (POLLHUP | POLLERR))
			number = SIGHUP; /* the terminal has gone */
		else if (descriptors[0].revents)
			take_keys(ui);
	}
	return number;
}

int screen_run(struct ui *ui, enum color_when color, int keys, int wake, int signals)
{
	FILE *in = fdopen(dup(keys), "r");
	prepare_for_crashes(keys);
	begin(color, in, stdout);
	measure(ui);
	int number = loop(ui, color != COLOR_NEVER && has_colors(), keys, wake, signals);
	give_back();
	return number;
}
