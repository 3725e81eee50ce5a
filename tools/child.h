// SPDX-License-Identifier: MIT

/*
 * Talking to a helper program, which may be missing, crash, hang or eat memory: its input is fed and its output taken at
 * the same time, with deadlines, and it never outlives the call.
 */

#ifndef HEAPTRACE_CHILD_H
#define HEAPTRACE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

/** How the helper ended. */
enum child_end {
	CHILD_DONE,      /* exit status 0 */
	CHILD_NOT_FOUND, /* could not be executed */
	CHILD_FAILED,    /* another exit status */
	CHILD_CRASHED,   /* by a signal */
	CHILD_HUNG,      /* no output within the deadline: killed */
	CHILD_STOPPED,   /* take() had enough: killed */
};

struct child_job {
	char *const *argv;     /* argv[0] is looked for in PATH */
	const char *directory; /* where it runs, NULL: here. argv[0] is then absolute, or without a slash */
	const char *input;     /* for its stdin */
	size_t input_size;
	bool (*take)(void *context, const char *bytes, size_t size); /* its stdout; false: enough */
	void (*tick)(void *context); /* about once a second while it runs, or NULL */
	void *context;
	unsigned idle_seconds; /* longest wait for more output */
	unsigned total_seconds;
};

/** Run a helper to its end. Its stderr goes nowhere, its address space and core size are limited. */
enum child_end child_run(const struct child_job *job);

/** "was not found", "crashed", ... for messages */
const char *child_end_text(enum child_end end);

#endif
