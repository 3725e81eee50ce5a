// SPDX-License-Identifier: MIT

/*
 * The program of `heaptrace top -- PROGRAM`: a launcher of its own, in a process group of its own, that runs it as any
 * other run, with its standard output and standard error in a file. The screen's keys and signals never reach it.
 */

#ifndef HEAPTRACE_TOP_PROGRAM_H
#define HEAPTRACE_TOP_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "options.h"

struct program {
	pid_t launcher;
	const char *name;     /* as it was given */
	char output[4096];    /* where its output goes */
	bool temporary;       /* that file is ours: it goes when it is empty */
	char directory[128];  /* of the run, "" if it did not come so far */
	bool ended;
	int status;           /* as wait() had it */
};

/**
 * Start a launcher, and wait until its collector is there. It starts the program when program_go() says so.
 * @return 0, or -1 with a message
 */
int program_start(struct program *program, struct options *options, char **argv, char *error, size_t size);

/** Let the launcher start the program. */
void program_go(struct program *program);

/** Has it ended? Does not wait. */
bool program_has_ended(struct program *program);

/** Wait for its end. A signal that wakes us is passed on. */
void program_wait(struct program *program);

/** Say on stderr where its output is, or show its last lines if it failed; remove an empty file. */
void program_say_output(struct program *program);

#endif
