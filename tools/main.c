// SPDX-License-Identifier: MIT

/*
 * The heaptrace command: runs a program with libheaptrace.so preloaded and reports what its heap holds.
 *
 * A map of this directory, by what happens in a run:
 *
 *	main.c               which command; exit codes
 *	├── options.c        the one table of options
 *	│   └── completion*.c for shells, made from it
 *	├── launch.c         `heaptrace PROGRAM`: check, prepare, start, wait
 *	│   ├── target.c     can PROGRAM be traced? if not: what, why, do this
 *	│   ├── rundir.c     the per-run directory through which guests find us
 *	│   ├── rehearse.c   system calls without which a run would hang
 *	│   ├── inherited.c  what the program gets back as it was
 *	│   ├── supervise.c  wait for the program, pass signals on, end as it ended
 *	│   │   └── witness.c has the program had a signal too?
 *	│   ├── rescue.c     reports without a collector
 *	│   ├── gate.c       limits that the run is held to
 *	│   └── collect.c    the collector: hellos, clock, requests, ends
 *	│       ├── collect_image.c    segments and the processes in them
 *	│       ├── collect_extract.c  one process's part of a segment
 *	│       ├── collect_end.c      how a process ended
 *	│       ├── collect_follow.c   which processes the user wants to hear of
 *	│       ├── collect_exec.c     programs that processes start, and which are not traced
 *	│       ├── collect_clock.c    ticks, samples, requests
 *	│       ├── collect_timeline.c figures over time
 *	│       ├── collect_slices.c   backtraces over time
 *	│       ├── collect_jobs.c     the queue of reports
 *	│       ├── collect_requests.c what programs ask for
 *	│       ├── collect_client.c   the socket: guests and `heaptrace dump`
 *	│       ├── procfs.c           what /proc says about a process
 *	│       └── render.c           one report, in a child of the collector
 *	│           ├── tree.c         who started whom
 *	│           └── output.c       file names, whole files or nothing
 *	│               └── aside.c    files that get their name when they are whole
 *	├── command.c        what subcommands begin with
 *	├── dump_command.c   `heaptrace dump`
 *	│   └── inquiry.c    ask the collector of a process
 *	│       └── orphan.c the segment of one whose collector was killed
 *	├── top_command.c    `heaptrace top`
 *	│   └── top_*.c      source, rows, names, screen: see top_command.c
 *	├── ctl_command.c    `heaptrace ctl`
 *	├── diff_command.c   `heaptrace diff`
 *	│   └── diff*.c      backtraces of several snapshots, matched
 *	└── report_command.c `heaptrace report`, `heaptrace export`
 *	    ├── snapshot*.c  segment or file → model, checked
 *	    ├── history*.c   figures over time: timeline, slices (slice_code.c), as snapshots keep them
 *	    ├── stream*.c    what heap_trace_init_tohost() wrote, in ESP-IDF's words
 *	    ├── slices.c     --slices; window.c: --window, a diff of two of them
 *	    ├── symbols*.c   addresses → names
 *	    ├── rules*.c     --ignore; filter.c: filters; fold.c: recursion; group.c: sums (allocators.c: who asked for memory)
 *	    └── report_*.c   model → text, and the formats for other programs
 *	        └── html_page.c  the page of report_html.c: markup, style and scripts from html/, in the program
 *
 * Exit status: the program's own. 120: it succeeded, but exceeded a limit; 125: heaptrace failed before the program
 * started, or a subcommand failed; 126: the program was found but cannot be executed; 127: not found.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

/**
 * Descriptors 0, 1 and 2 that the caller closed must not be given to our own files: messages would land in them. They
 * close again at exec, so that the program finds them as they were.
 */
static void occupy_standard_streams(void)
{
	int fd;
	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

static int usage(void)
{
	fprintf(stderr, "usage: heaptrace [OPTIONS] [--] PROGRAM [ARGS...]\n"
			"       heaptrace report [OPTIONS] FILE.htrace\n"
			"       heaptrace export --format=NAME [OPTIONS] FILE.htrace\n"
			"       heaptrace diff [OPTIONS] A.htrace B.htrace [C.htrace...]\n"
			"       heaptrace dump [OPTIONS] PID\n"
			"       heaptrace top [OPTIONS] PID\n"
			"       heaptrace top [OPTIONS] -- PROGRAM [ARGS...]\n"
			"       heaptrace ctl PID start|stop|resume|reset|status|dump\n"
			"'heaptrace --help' lists the options.\n");
	return EXIT_HEAPTRACE;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"report", report_command}, {"export", export_command}, {"diff", diff_command},
	{"ctl", ctl_command}, {"dump", dump_command}, {"top", top_command},
};

int main(int argc, char **argv)
{
	occupy_standard_streams();
	if (argc < 2)
		return usage();
	if (strncmp(argv[1], "--completion=", 13) == 0)
		return completion_command(argv[1] + 13);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	return launch_command(argc, argv);
}
