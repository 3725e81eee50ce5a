// SPDX-License-Identifier: MIT

/* What an HTML report knows of a process's past. */

#ifndef HEAPTRACE_REPORT_HTML_TIME_H
#define HEAPTRACE_REPORT_HTML_TIME_H

#include <stdio.h>

#include "model.h"

/** "timeline":{...}, a column for each figure, null where it is unknown. */
void html_put_timeline(FILE *out, const struct model *model);

/**
 * "slices":{...}, if the run had any: moments, and for each what changed of the live blocks and bytes of which backtraces
 * (numbers of those that are not ignored) since the moment before. Where there are many, not all moments.
 */
void html_put_slices(FILE *out, const struct model *model);

#endif
