// SPDX-License-Identifier: MIT

/*
 * `heaptrace top`: watch a traced process, or start one and watch it. On a screen, or with --batch as plain text.
 *
 *	top_source.c   the run: who is in it, what its segments hold
 *	top_rows.c     growth and rates from one refresh to the next
 *	top_names.c    names of frames, as they come
 *	top_label.c    a backtrace in one line
 *	top_text.c     text in columns
 *	top_view.c     what is shown, as lines
 *	top_worker.c   the thread that reads and names for the screen
 *	top_ui.c       what the keys do
 *	top_pages.c    what is on the screen then
 *	top_screen.c   the terminal
 *	top_program.c  the program that is started here
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "top_screen.h"

#define BATCH_COLUMNS 132 /* of a terminal that would show the same columns */
#define BATCH_LINE 1000
#define EXEC_MS 2000

/** One call of the command. */
struct top {
	struct options options;
	struct source source;
	struct program program;
	bool starts;   /* a program, in `program` */
	bool utf8;
	int signals;   /* signalfd */
	int ended_by;  /* a signal that we got, 0: none */
};

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace top: %s\n", text);
	return EXIT_HEAPTRACE;
}

static void take_signals(struct top *top)
{
	static const int wanted[] = {SIGWINCH, SIGCHLD, SIGTSTP, SIGCONT, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t signals;
	sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		sigaddset(&signals, wanted[i]);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	top->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/** Die by a signal, without a core file. */
static int end_by(int number)
{
	struct rlimit no_core = {0, 0};
	sigset_t signals;
	if (getpid() != 1) {
		setrlimit(RLIMIT_CORE, &no_core);
		signal(number, SIG_DFL);
		sigemptyset(&signals);
		sigaddset(&signals, number);
		sigprocmask(SIG_UNBLOCK, &signals, NULL);
		raise(number);
	}
	return 128 + number;
}

static int end_alike(const struct program *program)
{
	if (WIFEXITED(program->status))
		return WEXITSTATUS(program->status);
	return end_by(WTERMSIG(program->status));
}

/** Let the program come to its end, and end as it did. */
static int finish(struct top *top, bool terminate)
{
	struct program *program = &top->program;
	if (!top->starts)
		return top->ended_by ? end_by(top->ended_by) : 0;
	if (!program_has_ended(program) && (terminate || top->ended_by)) {
		kill(program->launcher, top->ended_by ? top->ended_by : SIGTERM);
		kill(program->launcher, SIGCONT);
	}
	for (int i = 0; i < 50 && !program_has_ended(program); i++)
		poll(NULL, 0, 10); /* the launcher ends a moment after its program */
	if (!program_has_ended(program))
		fprintf(stderr, "[heaptrace] waiting for the end of %s\n", program->name);
	program_wait(program);
	program_say_output(program);
	return end_alike(program);
}

/* ---- plain text ---- */

/** The figures as they would be on a screen, with all that is known about names by now. */
static int print_refresh(struct top *top, struct top_refresh *refresh, uint64_t *curve, size_t *points)
{
	const struct watched *watched = top->source.chosen;
	struct lines lines = {0};
	struct winsize size;
	bool terminal = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= UI_LEAST_COLUMNS;
	struct top_view view = {
		.refresh = refresh, .names = watched->names, .ended = watched->ended, .filter = "",
		.collector_lost = top->source.collector_lost, .processes = top->source.count, .sort = top->options.sort[0],
		.curve = curve, .columns = terminal ? size.ws_col : BATCH_COLUMNS, .utf8 = top->utf8,
	};
	if (*points == CURVE)
		memmove(curve, curve + 1, --*points * sizeof(*curve));
	curve[(*points)++] = refresh->model->totals.live_bytes;
	view.curve_count = *points;
	memcpy(view.how, refresh->model->host.how_it_ended, sizeof(view.how));
	view.count = top_rows_sort(refresh, view.sort, NULL, NULL, &view.order);
	size_t most = top->options.top && top->options.top < view.count ? top->options.top : view.count;
	top_names_add(watched->names, refresh->model, view.order, most, most * HT_MAX_DEPTH + 1, &top->options);
	view_head(&view, &lines);
	view_rows(&view, &lines, 0, most, SIZE_MAX);
	lines_fit(&lines, terminal ? size.ws_col : BATCH_LINE, top->utf8);
	for (size_t i = 0; i < lines.count; i++)
		puts(lines.lines[i].text);
	putchar('\n');
	lines_free(&lines);
	free(view.order);
	return fflush(stdout) || ferror(stdout) ? -1 : 0;
}

/** Wait for the collector, a signal, or the time of the next refresh. @return false: a signal ends us */
static bool wait_for_more(struct top *top, uint64_t due_ms)
{
	struct signalfd_siginfo information;
	struct pollfd descriptors[] = {
		{.fd = top->signals, .events = POLLIN}, {.fd = source_fd(&top->source), .events = POLLIN},
	};
	uint64_t now = monotonic_ms();
	poll(descriptors, 2, due_ms == UINT64_MAX ? -1 : due_ms > now ? (int)(due_ms - now) : 0);
	while (read(top->signals, &information, sizeof(information)) == sizeof(information)) {
		int number = (int)information.ssi_signo;
		if (number == SIGTSTP)
			raise(SIGSTOP);
		else if (number != SIGWINCH && number != SIGCHLD && number != SIGCONT)
			top->ended_by = number;
	}
	return !top->ended_by;
}

/** May the program that this image has executed still come? */
static bool has_successor(const struct source *source, uint64_t *patience_ms)
{
	if (!source->chosen || strcmp(source->chosen->facts.how_it_ended, "exec") != 0 || source->follow < 0)
		return false;
	if (!*patience_ms)
		*patience_ms = monotonic_ms() + EXEC_MS;
	return monotonic_ms() < *patience_ms;
}

static int batch(struct top *top)
{
	static uint64_t curve[CURVE];
	size_t points = 0;
	unsigned printed = 0;
	uint64_t due_ms = 0;
	struct source *source = &top->source;
	bool last = false;
	uint64_t patience_ms = 0; /* until when an image that executed another program may still be followed by it */
	while (!last && wait_for_more(top, source->chosen ? due_ms : UINT64_MAX)) {
		struct error error;
		source_hear(source);
		last = source->chosen ? source->chosen->ended : source_fd(source) < 0;
		if (last && has_successor(source, &patience_ms)) {
			last = false;
			due_ms = monotonic_ms() + 10;
			continue;
		}
		if (!source->chosen || (!last && monotonic_ms() < due_ms))
			continue;
		struct top_refresh *refresh = source_read(source, &error);
		if (!refresh && !last)
			continue;
		int failed = refresh ? print_refresh(top, refresh, curve, &points) : 0;
		top_refresh_free(refresh);
		if (failed && !top->starts)
			return complain("standard output cannot be written");
		due_ms = monotonic_ms() + top->options.refresh_ms;
		last |= failed || ++printed == top->options.count;
	}
	return finish(top, false);
}

/* ---- a screen ---- */

static int on_screen(struct top *top, int keys)
{
	static struct ui ui;
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct worker *worker = wake < 0 ? NULL : worker_start(&top->source, &top->options, top->options.refresh_ms, wake);
	if (!worker) {
		complain("no thread can be started; see the limits (ulimit -a), or use --batch");
		return top->starts ? finish(top, true) : EXIT_HEAPTRACE;
	}
	ui_begin(&ui, worker, top->starts ? &top->program : NULL, &top->options, top->utf8);
	top->ended_by = screen_run(&ui, top->options.color, keys, wake, top->signals);
	worker_stop(worker);
	ui_end(&ui);
	return finish(top, ui.leave == LEAVE_ENDING);
}

/* ---- beginning ---- */

/** Where keys come from. @return a descriptor, -1: there is no terminal */
static int find_keys(void)
{
	if (isatty(STDIN_FILENO))
		return STDIN_FILENO;
	return open("/dev/tty", O_RDWR | O_CLOEXEC);
}

/** Can there be a screen? Where the terminal is too simple for one, plain text is what there can be. */
static int prepare_screen(struct top *top, int *keys)
{
	*keys = -1;
	if (top->options.batch)
		return 0;
	if (!isatty(STDOUT_FILENO))
		return complain("standard output is no terminal; use --batch for plain text");
	*keys = find_keys();
	if (*keys < 0)
		return complain("there is no terminal to read keys from; use --batch for plain text");
	const char *missing = screen_missing(getenv("TERM"));
	if (!missing)
		return 0;
	fprintf(stderr, "[heaptrace] TERM=%s: %s; plain text as with --batch, ^C ends it\n",
		getenv("TERM") ? getenv("TERM") : "", missing);
	top->options.batch = true;
	return 0;
}

/** Start the program and follow its run. @return 0, or an exit code after a message */
static int start(struct top *top, char **argv)
{
	char error[4600];
	top->starts = true;
	if (program_start(&top->program, &top->options, argv, error, sizeof(error)))
		return complain(error);
	if (top->program.ended) {
		program_say_output(&top->program);
		return end_alike(&top->program);
	}
	if (source_open_run(&top->source, top->program.directory, top->program.launcher)) {
		snprintf(error, sizeof(error), "the collector does not answer: %s; see the limits (ulimit -a)", strerror(errno));
		kill(top->program.launcher, SIGKILL);
		return complain(error);
	}
	program_go(&top->program);
	return 0;
}

static int attach(struct top *top, const char *text)
{
	char error[512];
	pid_t pid = inquiry_read_pid(text, error, sizeof(error));
	if (!pid)
		snprintf(error, sizeof(error), "'%.100s' is no PID; to start a program: heaptrace top -- PROGRAM", text);
	if (pid && source_open(&top->source, pid, error, sizeof(error)) == 0)
		return 0;
	return complain(error);
}

static int run(struct top *top, int argc, char **argv, int next)
{
	bool program = next > 1 && strcmp(argv[next - 1], "--") == 0;
	int keys, failed;
	if (next >= argc)
		return complain("which process? give its PID, or -- and a program to start");
	if (!program && next != argc - 1)
		return complain("one PID at a time; to start a program: heaptrace top -- PROGRAM");
	setlocale(LC_CTYPE, "");
	top->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	failed = prepare_screen(top, &keys);
	if (!failed)
		failed = program ? start(top, argv + next) : attach(top, argv[next]);
	if (failed || top->program.ended)
		return failed;
	take_signals(top);
	return top->options.batch ? batch(top) : on_screen(top, keys);
}

int top_command(int argc, char **argv)
{
	static struct top top;
	int next;
	int status = command_options(&top.options, SCOPE_TOP, argc, argv, &next);
	return status == GO_ON ? run(&top, argc, argv, next) : status;
}
