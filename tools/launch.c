// SPDX-License-Identifier: MIT

/*
 * `heaptrace PROGRAM`: everything that can fail is tried before the program starts, so that a failure of ours is a
 * message and status 125 and the program has not run. Then the collector is started, then the program.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "gate.h"
#include "inherited.h"
#include "memory.h"
#include "rehearse.h"
#include "report.h"
#include "supervise.h"

extern char **environ;

static int complain(const char *text)
{
	fprintf(stderr, "heaptrace: %s\n", text);
	return EXIT_HEAPTRACE;
}

/** An input that has to be readable, by a name that holds from any directory. @return 0, or -1 with a message */
static int prepare_input(const char **path, const char *directory, const char *flag, char *error, size_t size)
{
	struct stat status;
	if (!*path)
		return 0;
	*path = output_absolute(directory, *path, false);
	if (stat(*path, &status) == 0 && access(*path, R_OK) == 0 && (!S_ISDIR(status.st_mode) || strcmp(flag, "ignore") != 0))
		return 0;
	snprintf(error, size, "--%s=%s cannot be read: %s; correct the name", flag, *path,
		 access(*path, R_OK) ? strerror(errno) : "it is a directory");
	return -1;
}

static int prepare_inputs(struct options *options, const char *directory, char *error, size_t size)
{
	const char *addr2line = options->addr2line && strchr(options->addr2line, '/') ? options->addr2line : NULL;
	if (prepare_input(&options->ignore, directory, "ignore", error, size) ||
	    prepare_input(&options->debug_dir, directory, "debug-dir", error, size) ||
	    prepare_input(&addr2line, directory, "addr2line", error, size) ||
	    prepare_input(&options->growth_base, directory, "max-growth-over", error, size))
		return -1;
	if (addr2line)
		options->addr2line = addr2line;
	return 0;
}

static int prepare_limits(struct options *options, char *error, size_t size)
{
	struct error why;
	if (gate_prepare(options, &why) == 0)
		return 0;
	snprintf(error, size, "%s", why.text);
	return -1;
}

static int prepare_outputs(struct run *run, char *error, size_t size)
{
	const struct options *options = run->options;
	const char *outfile = options->outfile;
	if (!outfile && options->format != FORMAT_TEXT)
		outfile = "-";
	if (output_prepare(&run->outfile, outfile, run->directory, "outfile", error, size) ||
	    output_prepare(&run->save, options->save, run->directory, "save", error, size))
		return -1;
	if (report_spoils_terminal(options->format, run->outfile.stream)) {
		snprintf(error, size, "%s", REPORT_SPOILS_TERMINAL);
		return -1;
	}
	if (options->format == FORMAT_HTML) /* a page shows all processes; other readers take one at a time */
		run->document_path = output_one_name(&run->outfile);
	run->document = (run->outfile.stream >= 0 || run->outfile.is_fifo || run->document_path) && options->format != FORMAT_TEXT;
	run->survivors.stream = -1;
	run->survivors.pattern = output_absolute(run->directory, "heaptrace.%n.%p.htrace", true);
	if (!outfile && !run->save.pattern && output_is_closed(STDERR_FILENO))
		run->save = run->survivors; /* nobody would see the report, and nothing can be said */
	if (run->save.stream < 0)
		return 0;
	snprintf(error, size, "--save=%s: a snapshot goes to a file; name one", options->save);
	return -1;
}

/** It may have been removed: then what has no name of its own goes elsewhere. @return 0, or -1 with a message */
static int find_directory(const struct options *options, char *directory, size_t size, char *error, size_t error_size)
{
	const char *names[] = {options->outfile, options->save};
	if (getcwd(directory, size))
		return 0;
	snprintf(error, error_size, "the current directory cannot be found: %s; name files by absolute paths", strerror(errno));
	snprintf(directory, size, "/tmp");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i] && names[i][0] != '/' && strcmp(names[i], "-") != 0)
			return -1;
	}
	return 0;
}

/** @return 0, or the exit code after a message */
static int prepare(struct run *run, struct options *options, struct target *target, const char *program)
{
	static char directory[PATH_MAX];
	char error[1024];
	unsigned elf_class;
	if (find_directory(options, directory, sizeof(directory), error, sizeof(error)))
		return complain(error);
	run->options = options;
	run->directory = directory;
	if (rundir_find_library(options->unwinder, run->library, sizeof(run->library), error, sizeof(error)))
		return complain(error);
	run->machine = target_machine(run->library, &elf_class);
	int refused = target_find(target, program, run->library);
	if (refused && (refused != EXIT_HEAPTRACE || !options->force)) {
		complain(target->text);
		return refused;
	}
	if (prepare_inputs(options, directory, error, sizeof(error)) ||
	    prepare_limits(options, error, sizeof(error)) || prepare_outputs(run, error, sizeof(error)) ||
	    rundir_create(&run->rundir, run->library, error, sizeof(error)))
		return complain(error);
	if (rehearse(run->rundir.listener, error, sizeof(error))) {
		rundir_remove(&run->rundir);
		return complain(error);
	}
	run->launcher = getpid();
	run->start_ns = clock_ns(CLOCK_MONOTONIC);
	run->start_wall = clock_ns(CLOCK_REALTIME);
	return 0;
}

/** The program's environment: the one that we were started with, and the library first in LD_PRELOAD. */
static char **make_environment(char **initial, const char *library)
{
	static const char variable[] = "LD_PRELOAD=";
	size_t count = 0, length = sizeof(variable) - 1;
	while (initial[count])
		count++;
	char **copy = memory_zeroed(count + 2, sizeof(*copy));
	size_t at = count;
	for (size_t i = 0; i < count; i++) {
		copy[i] = initial[i];
		if (strncmp(initial[i], variable, length) == 0)
			at = i;
	}
	const char *others = at < count ? initial[at] + length : "";
	copy[at] = memory_zeroed(1, length + strlen(library) + strlen(others) + 2);
	sprintf(copy[at], "%s%s%s%s", variable, library, *others ? ":" : "", others);
	return copy;
}

/** What we were started with lies behind argv. Not `environ`: libraries preloaded into us (tcmalloc does) may have added to that. */
static char **initial_environment(char **argv)
{
	while (*argv)
		argv++;
	return argv + 1;
}

/** In the child: give back what we changed, become the program. Reports why not through the pipe. */
__attribute__((noreturn))
static void become(const struct run *run, const struct target *target, char **argv, const struct inherited *inherited,
		   int failure)
{
	char **initial = initial_environment(argv);
	char **environment = target->bare ? initial : make_environment(initial, run->rundir.library);
	if (run->document && run->outfile.is_stdout)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	inherited_give_back(inherited);
	execve(target->path, argv, environment);
	if (errno == ENOEXEC) {
		size_t count = 0;
		while (argv[count])
			count++;
		char **shell = memory_zeroed(count + 2, sizeof(*shell));
		shell[0] = argv[0];
		shell[1] = (char *)target->path;
		memcpy(shell + 2, argv + 1, count * sizeof(*argv));
		execve("/bin/sh", shell, environment);
	}
	int error = errno;
	if (write(failure, &error, sizeof(error)) < 0)
		_exit(EXIT_HEAPTRACE);
	_exit(EXIT_NOT_EXECUTABLE);
}

/** @return the program's pid, or -1 with errno: it was not started */
static pid_t start_program(const struct run *run, const struct target *target, char **argv,
			   const struct inherited *inherited)
{
	int failure[2], error = 0;
	if (pipe2(failure, O_CLOEXEC))
		return -1;
	pid_t program = fork();
	if (program == 0)
		become(run, target, argv, inherited, failure[1]);
	error = errno;
	close(failure[1]);
	if (program > 0 && read(failure[0], &error, sizeof(error)) == sizeof(error)) {
		waitpid(program, NULL, 0);
		program = -1;
	}
	close(failure[0]);
	errno = error;
	return program;
}

static int not_started(struct run *run, int collector, const struct target *target, int error)
{
	struct message message = {.kind = MESSAGE_ABANDON};
	fprintf(stderr, "heaptrace: %s cannot be executed: %s\n", target->path, strerror(error));
	if (protocol_send(collector, &message, sizeof(message), -1))
		rundir_remove(&run->rundir);
	else
		recv(collector, &message, sizeof(message), 0); /* it has cleaned up */
	return error == ENOENT ? EXIT_NOT_FOUND : error == EAGAIN || error == ENOMEM ? EXIT_HEAPTRACE : EXIT_NOT_EXECUTABLE;
}

/** Somebody who was to be asked before the start does not want it any more. */
static int called_off(struct run *run, int collector)
{
	struct message message = {.kind = MESSAGE_ABANDON};
	if (protocol_send(collector, &message, sizeof(message), -1))
		rundir_remove(&run->rundir);
	else
		recv(collector, &message, sizeof(message), 0); /* it has cleaned up */
	return EXIT_HEAPTRACE;
}

int launch_program(struct options *options, char **argv, int (*before)(const char *directory))
{
	static struct run run;
	static struct target target;
	struct inherited inherited;
	inherited_take(&inherited);
	int exit_code = prepare(&run, options, &target, argv[0]);
	if (exit_code)
		return exit_code;
	int collector = collect_start(&run);
	if (collector < 0) {
		fprintf(stderr, "heaptrace: the collector cannot be started: %s; see the limits (ulimit -a) and seccomp filters\n", strerror(errno));
		rundir_remove(&run.rundir);
		return EXIT_HEAPTRACE;
	}
	close(run.rundir.listener);
	if (before && before(run.rundir.path))
		return called_off(&run, collector);
	pid_t program = start_program(&run, &target, argv, &inherited);
	if (program < 0)
		return not_started(&run, collector, &target, errno);
	int status = supervise(&run, collector, program, &target);
	return status ? status : gate_verdict(options);
}

/** Standard output may be a full disk. */
static int printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "heaptrace: standard output cannot be written: %s\n", strerror(errno));
	return EXIT_HEAPTRACE;
}

/** Slices that nothing will show are a mistake. */
static void say_where_slices_go(const struct options *options)
{
	if (options->interval_ns && !options->save && !options->quiet && options->format != FORMAT_HTML &&
	    options->format != FORMAT_MASSIF)
		fprintf(stderr, "[heaptrace] --interval keeps its figures in snapshots: use --save=FILE.htrace too, or 'heaptrace dump "
			"--save=FILE.htrace PID' while the program runs\n");
}

int launch_command(int argc, char **argv)
{
	static struct options options;
	char error[512];
	int next;
	options_defaults(&options);
	switch (options_parse(&options, SCOPE_RUN, argc, argv, &next, error, sizeof(error))) {
	case OPTIONS_HELP:
		options_help(SCOPE_RUN);
		return printed();
	case OPTIONS_VERSION:
		printf("heaptrace %s\n", HT_RELEASE);
		return printed();
	case OPTIONS_ERROR:
		return complain(error);
	default:
		break;
	}
	options.by_thread |= options_need_threads(&options);
	if (next >= argc)
		return complain("no PROGRAM to run; 'heaptrace --help' says how");
	say_where_slices_go(&options);
	return launch_program(&options, argv + next, NULL);
}
