// SPDX-License-Identifier: MIT

/* What the process has of memory: glibc's own figures, /proc, and the control group. For calls of the API, never in a hook. */

#ifndef HEAPTRACE_MEMORY_FIGURES_H
#define HEAPTRACE_MEMORY_FIGURES_H

#include "request.h"

/** Two lines: what of the heap is free, and what the system still has. */
void memory_figures_write_status(struct request *out);

#endif
