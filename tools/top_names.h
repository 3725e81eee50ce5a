// SPDX-License-Identifier: MIT

/*
 * Names of a process's frames, kept from one refresh to the next: functions at once from the symbol tables, source
 * lines and inlined functions when addr2line has found them. One thread adds names while another one reads them.
 */

#ifndef HEAPTRACE_TOP_NAMES_H
#define HEAPTRACE_TOP_NAMES_H

#include <sys/types.h>

#include "model.h"
#include "options.h"
#include "top_rows.h"

/** Names of a frame; never changed nor freed while the store is. */
struct top_name {
	const struct frame_name *names; /* innermost inlined first, at least one */
	unsigned count;
	bool lines;                     /* addr2line has been asked */
};

struct top_names;

struct top_names *top_names_new(void);
void top_names_free(struct top_names *names);

/** The names of a frame, or NULL: not yet. */
const struct top_name *top_names_find(struct top_names *names, const struct frame *frame);

/**
 * Name frames that have no name yet from symbol tables, those of the first rows first.
 *
 * @param most  so many at most
 * @return how many were named: fewer than `most` means that all are
 */
size_t top_names_add(struct top_names *names, struct model *model, const struct top_row *const *rows, size_t count,
		     size_t most, const struct options *options);

/**
 * Start a child that finds the lines of a backtrace's frames, as far as they are not known.
 *
 * @return a descriptor to be given to top_names_take_lines() when it can be read from; -1: there is nothing to be found
 */
int top_names_ask_lines(struct top_names *names, struct model *model, const struct backtrace *backtrace,
			const struct options *options, pid_t *child);

/** Take what the child has found; closes the descriptor and reaps the child. */
void top_names_take_lines(struct top_names *names, int from, pid_t child);

/** A label for a backtrace: see top_label.h. Addresses stand for names that are not known yet. To be freed. */
char *top_names_label(struct top_names *names, const struct backtrace *backtrace, size_t enough);

/** For each frame of the model: whether its functions, files or module hold a text. To be freed. */
bool *top_names_matches(struct top_names *names, const struct model *model, const char *text);

#endif
