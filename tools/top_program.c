// SPDX-License-Identifier: MIT

/*
 * Starting and ending the program of `heaptrace top`: see top_program.h. The launcher waits between its collector's
 * start and the program's, so that the collector is followed from before the beginning and the shortest program is
 * seen.
 */

#include "top_program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "memory.h"
#include "output.h"

#define COLLECTOR_MS 20000
#define LINES_SHOWN 10

/** Between us and the launcher: [0] is the directory's way to us, [1] our word that it may go on. */
static int tell[2], go[2];

/** In the launcher: say where the run's directory is, wait for the word. @return 0; -1: we are gone */
static int wait_for_word(const char *directory)
{
	char word;
	ssize_t got;
	if (write(tell[1], directory, strlen(directory) + 1) < 0)
		return -1;
	close(go[1]); /* our own copy: else its end would never come */
	do
		got = read(go[0], &word, 1);
	while (got < 0 && errno == EINTR);
	return got == 1 ? 0 : -1;
}

/** @return a descriptor, or -1 with a message */
static int open_output(struct program *program, const char *name, char *error, size_t size)
{
	const char *place = getenv("TMPDIR");
	char directory[PATH_MAX];
	int fd;
	if (!getcwd(directory, sizeof(directory)))
		strcpy(directory, "/");
	if (name) {
		char *path = output_absolute(directory, name, false);
		snprintf(program->output, sizeof(program->output), "%s", path);
		free(path);
		fd = open(program->output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOCTTY, 0666);
	} else {
		snprintf(program->output, sizeof(program->output), "%s/heaptrace.top-XXXXXX.log",
			 place && *place == '/' ? place : "/tmp");
		program->temporary = true;
		fd = mkostemps(program->output, 4, O_APPEND | O_CLOEXEC);
	}
	if (fd < 0)
		snprintf(error, size, "the program's output cannot be written to %s: %s; name another file with --program-output",
			 program->output, strerror(errno));
	return fd;
}

/** In the launcher's process, before it begins. Keys are for the screen: from a terminal nothing is read. */
static void connect_streams(int output)
{
	int null = isatty(STDIN_FILENO) ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
	setpgid(0, 0);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	close(tell[0]);
}

/** Take the directory's name. @return false: the launcher has given up */
static bool hear_directory(struct program *program)
{
	size_t filled = 0;
	struct pollfd descriptor = {.fd = tell[0], .events = POLLIN};
	while (filled + 1 < sizeof(program->directory) && (filled == 0 || program->directory[filled - 1])) {
		if (poll(&descriptor, 1, COLLECTOR_MS) == 0 ||
		    read(tell[0], program->directory + filled, 1) != 1)
			break;
		filled++;
	}
	if (filled && !program->directory[filled - 1])
		return true;
	program->directory[0] = '\0';
	return false;
}

int program_start(struct program *program, struct options *options, char **argv, char *error, size_t size)
{
	*program = (struct program){.name = argv[0]};
	int output = open_output(program, options->program_output, error, size);
	if (output < 0)
		return -1;
	if (pipe2(tell, O_CLOEXEC) || pipe2(go, O_CLOEXEC) || (program->launcher = fork()) < 0) {
		snprintf(error, size, "the program cannot be started: %s; see the limits (ulimit -a)", strerror(errno));
		return -1;
	}
	if (program->launcher == 0) {
		connect_streams(output);
		if (!options->outfile) { /* the screen is the report */
			options->outfile = "/dev/null";
			options->lines = false;
		}
		exit(launch_program(options, argv, wait_for_word));
	}
	setpgid(program->launcher, program->launcher);
	close(output);
	close(tell[1]);
	close(go[0]);
	if (hear_directory(program))
		return 0;
	program_go(program);
	while (waitpid(program->launcher, &program->status, 0) < 0 && errno == EINTR)
		;
	program->ended = true;
	return 0;
}

void program_go(struct program *program)
{
	if (program->directory[0] && write(go[1], "", 1) < 0)
		kill(program->launcher, SIGTERM);
	close(go[1]);
	close(tell[0]);
}

bool program_has_ended(struct program *program)
{
	if (!program->ended && waitpid(program->launcher, &program->status, WNOHANG) == program->launcher)
		program->ended = true;
	return program->ended;
}

void program_wait(struct program *program)
{
	sigset_t wanted;
	sigemptyset(&wanted);
	for (const int *signal = (const int[]){SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0}; *signal; signal++)
		sigaddset(&wanted, *signal);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	while (!program_has_ended(program)) {
		int number = sigwaitinfo(&wanted, NULL);
		if (number > 0 && number != SIGCHLD)
			kill(program->launcher, number);
	}
}

/** The last lines of a file, as they are. */
static void show_end(const char *path, off_t length)
{
	char text[4097] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), lines = 0;
	off_t start = length > 4096 ? length - 4096 : 0;
	ssize_t got = fd < 0 ? 0 : pread(fd, text, sizeof(text) - 1, start), at = got;
	while (at > 0 && (text[at - 1] != '\n' || lines < LINES_SHOWN))
		lines += text[--at] == '\n' && at + 1 < got;
	if (got > at)
		output_stream(STDERR_FILENO, text + at, (size_t)(got - at));
	if (fd >= 0)
		close(fd);
}

void program_say_output(struct program *program)
{
	struct stat status;
	bool failed = !WIFEXITED(program->status) || WEXITSTATUS(program->status);
	if (stat(program->output, &status) || !S_ISREG(status.st_mode))
		return;
	if (!status.st_size) {
		if (program->temporary)
			unlink(program->output);
		return;
	}
	if (!program->directory[0] || (failed && program->ended))
		show_end(program->output, status.st_size);
	if (!program->directory[0] && program->temporary)
		unlink(program->output); /* all of it were our own words, just shown */
	else
		fprintf(stderr, "[heaptrace] the output of %s is in %s\n", program->name, program->output);
}
