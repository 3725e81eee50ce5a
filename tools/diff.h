// SPDX-License-Identifier: MIT

/*
 * What changed between snapshots. A backtrace is found again by the build ids of its modules and the offsets in them, so
 * that neither address space randomization nor a restart matters.
 *
 *	diff_command.c  `heaptrace diff`: files, options, messages
 *	diff.c          backtraces of all files, matched
 *	diff_keys.c     what makes two frames the same
 *	diff_report.c   text, JSON, collapsed; diff_html.c: a page
 *	window.c        the same of slices of one snapshot
 */

#ifndef HEAPTRACE_DIFF_H
#define HEAPTRACE_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "memory.h"
#include "models.h"
#include "options.h"

/** One snapshot, or a slice of one. Figures are those of the metric, without what is ignored. */
struct diff_file {
	const char *path;
	const char *label;   /* what text calls it */
	uint64_t taken_ns;   /* the moment of the figures, since the start of the run */
	struct models models;
	uint64_t bytes, blocks;
	double time; /* seconds since the start of the run, or the file's index: see `same_run` */
};

struct diff_value {
	uint64_t bytes, blocks;
	bool present;
};

/** A backtrace in all files. */
struct diff_row {
	const struct model *model;         /* of the newest file that has it */
	const struct backtrace *backtrace;
	struct diff_value *values;         /* one for each file */
	int64_t growth_bytes, growth_blocks; /* last file less first */
	double slope;                      /* bytes per second, or per snapshot */
	struct diff_value allocated, freed; /* between first and last, where `flows` is set */
	bool grew_always;                  /* more bytes in each file than in the one before; only of three or more */
	size_t number;                     /* in the order of arrival, so that sorting is stable */
};

struct diff {
	struct diff_file *files;
	size_t file_count;
	struct diff_row *rows;             /* biggest growth first */
	size_t row_count, row_room;
	bool flows;                        /* it is known what was allocated and freed in between */
	bool same_run;                     /* all files are of one process: slopes are per second */
	char **notes;                      /* what the reader has to know about the comparison */
	size_t note_count, note_room;
	const struct options *options;
};

/** Match the files' backtraces. Frees nothing of the files. */
void diff_make(struct diff *diff);

/** Fill in what follows from the rows' values, and put the rows in order. */
void diff_order(struct diff *diff);

/** Free the rows, their values and the notes. */
void diff_free(struct diff *diff);

/** Add a note; it belongs to the diff from now on. */
void diff_note(struct diff *diff, char *note);

/** Name the frames of all backtraces that are going to be shown. */
void diff_name(const struct diff *diff, size_t count);

/** Rows from the top that have changed between any two files. */
size_t diff_changed(const struct diff *diff);

/** @return 0, or -1 with errno. These are deliver_writers: `what` is the diff. */
int diff_text(FILE *out, const void *what, const struct options *options, bool terminal);
int diff_json(FILE *out, const void *what, const struct options *options, bool terminal);
int diff_collapsed(FILE *out, const void *what, const struct options *options, bool terminal);
int diff_html(FILE *out, const void *what, const struct options *options, bool terminal);

/** What makes two frames the same. Zero before the first use. */
struct diff_keys {
	struct strings strings;
	struct table rebuilt;    /* address of a base name: modules of that name were rebuilt */
	bool any_rebuilt;
	struct table places;     /* (module or name, offset) to number */
	struct table exact, loose; /* the keys of all frames: address of the frame to number */
};

/** Find out which modules were rebuilt between the files, and name the frames in them. Adds notes. */
void diff_keys_make(struct diff_keys *keys, struct diff *diff);

/**
 * A number that two frames share if they are the same.
 *
 * @param loose  in modules that were rebuilt: the same functions are enough, the lines may differ
 */
uint32_t diff_key(struct diff_keys *keys, const struct frame *frame, bool loose);

void diff_keys_free(struct diff_keys *keys);

#endif
