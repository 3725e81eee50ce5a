// SPDX-License-Identifier: MIT

/* What can be made of the slices that a run with --interval has kept. */

#ifndef HEAPTRACE_SLICES_H
#define HEAPTRACE_SLICES_H

#include <stdio.h>

#include "models.h"
#include "options.h"

/**
 * The process whose slices are meant: the first that has any.
 *
 * @param path  of the snapshot, for the message
 * @return it, or NULL with *error filled: there are none, why, and what to do
 */
struct model *slices_model(const struct models *models, const char *path, struct error *error);

/** What each backtrace has allocated and freed until a slice: one sum for each backtrace, to be freed. */
struct slice_change *slices_sums(const struct model *model, size_t slice);

/** Add what happened in one slice to such sums. */
void slices_add(struct slice_change *sums, const struct slice *slice);

/** Backtraces have been added up: number i is part of places[i] now. */
void slices_renumber(struct model *model, const uint32_t *places);

/**
 * `heaptrace report --window`: what grew between two slices, like a diff of snapshots.
 *
 * @return the exit code
 */
int window_report(const char *path, const struct models *models, const struct options *options);

/** `heaptrace report --slices`: list them. @return the exit code */
int slices_report(const char *path, const struct models *models, const struct options *options);

#endif
