// SPDX-License-Identifier: MIT

/*
 * Filters of views: backtraces that --module, --from, --through, --min-size and their kin leave out of a report, whatever
 * its format. What is left out is marked as ignored, so that no writer has to know about filters.
 */

#ifndef HEAPTRACE_FILTER_H
#define HEAPTRACE_FILTER_H

#include "model.h"
#include "options.h"
#include "snapshot.h"

/**
 * Mark what the filters leave out of those backtraces that are not ignored yet, after taking back the marks of an earlier
 * call. Names all frames if a filter is about names.
 */
void filter_apply(struct model *model, const struct options *options);

/** Take back the marks. */
void filter_undo(struct model *model);

/** Whether threads are asked for that a model knows nothing of; if so, `error` says what to do. */
bool filter_lacks_threads(const struct model *model, const struct options *options, struct error *error);

#endif
