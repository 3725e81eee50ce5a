// SPDX-License-Identifier: MIT

/*
 * Names for addresses: from symbol tables of the files that the modules were loaded from (or of their debug files), found
 * by build id. What has been read of a file is kept for the next model; strings live until symbols_forget().
 */

#ifndef HEAPTRACE_SYMBOLS_H
#define HEAPTRACE_SYMBOLS_H

#include "model.h"
#include "options.h"

/** Name some frames of a model; those that have names keep them. Afterwards each has at least one, maybe without a function. */
void symbols_name(struct model *model, struct frame **frames, size_t count, const struct options *options);

/** Name all frames of a model. */
void symbols_name_all(struct model *model, const struct options *options);

/** Drop everything that is kept. No model that has been named may be used any more but for model_free(). */
void symbols_forget(void);

/** A name as people write it: C++, Rust and D; to be freed. Others come back as they are. */
char *demangle(const char *symbol);

#endif
