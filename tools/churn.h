// SPDX-License-Identifier: MIT

/*
 * Churn, as --churn counts it: in models and in reports. See struct ht_churn in segment.h.
 */

#ifndef HEAPTRACE_CHURN_TOOLS_H
#define HEAPTRACE_CHURN_TOOLS_H

#include "model_build.h"
#include "report.h"

/** Read what was counted into the model's backtraces, if it was. @return broken records */
size_t churn_read(struct model *model, const struct past *past);

/** Add one's figures to another's. */
void churn_add(struct churn *to, const struct churn *from);

/** The sum over the backtraces that are not ignored. */
struct churn churn_sum(const struct model *model);

/** Tags behind a backtrace's headline of the text report; nothing where nothing was counted. */
void churn_tags(FILE *out, const struct backtrace *backtrace);

/** Lines of the text report's summary; nothing without --churn. */
void churn_summary(FILE *out, const struct model *model);

/** "churn":{...} of a backtrace or of a sum; null where it was not counted. */
void churn_json(FILE *out, const struct churn *churn);

#endif
