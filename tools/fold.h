// SPDX-License-Identifier: MIT

/*
 * --fold-recursion: functions that call themselves or each other stand once in a backtrace, however often they did, and
 * backtraces that only differed in that become one. A pass over the model, so that every format shows the same.
 */

#ifndef HEAPTRACE_FOLD_H
#define HEAPTRACE_FOLD_H

#include "model.h"
#include "options.h"

/** Fold all backtraces, if the options ask for it and it has not been done yet. Names all frames. */
void fold_recursion(struct model *model, const struct options *options);

#endif
