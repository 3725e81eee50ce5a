// SPDX-License-Identifier: MIT

/*
 * The commands and their exit codes.
 */

#ifndef HEAPTRACE_COMMAND_H
#define HEAPTRACE_COMMAND_H

#include "options.h"

enum {
	EXIT_LIMIT = 120,          /* the program succeeded, but exceeded a limit (--max-live, ...) */
	EXIT_HEAPTRACE = 125,      /* we failed before the program started; any failure of a subcommand */
	EXIT_NOT_EXECUTABLE = 126, /* PROGRAM was found but cannot be executed */
	EXIT_NOT_FOUND = 127,      /* PROGRAM was not found */
};

/** `heaptrace [OPTIONS] PROGRAM ARGS...`. @return the exit code; a program that a signal ended ends us the same way */
int launch_command(int argc, char **argv);

struct options;

/**
 * Run a program, with options that have been parsed.
 *
 * @param before  NULL, or called when the collector of the run in this directory is there and the program is not; nonzero
 *                calls the run off
 * @return as launch_command()
 */
int launch_program(struct options *options, char **argv, int (*before)(const char *directory));

/** `heaptrace report`; argv[0] is "report". @return the exit code */
int report_command(int argc, char **argv);

/** `heaptrace export`; argv[0] is "export". @return the exit code */
int export_command(int argc, char **argv);

/** `heaptrace diff`; argv[0] is "diff". @return the exit code */
int diff_command(int argc, char **argv);

/** `heaptrace --completion=bash|zsh|fish`, and pids and man-COMMAND for what these and the build need. @return the exit code */
int completion_command(const char *what);

/** `heaptrace top`; argv[0] is "top". @return the exit code; with a program that a signal ended it ends us the same way */
int top_command(int argc, char **argv);

/** `heaptrace ctl`; argv[0] is "ctl". @return the exit code */
int ctl_command(int argc, char **argv);

/** `heaptrace dump`; argv[0] is "dump". @return the exit code */
int dump_command(int argc, char **argv);

#define GO_ON (-1)

/**
 * A subcommand's options, with the usual defaults; argv[0] is its name. Help and version are printed, errors said.
 *
 * @param next  out: index of the first operand
 * @return GO_ON, or the exit code
 */
int command_options(struct options *options, enum option_scope scope, int argc, char **argv, int *next);

#endif
