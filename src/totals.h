// SPDX-License-Identifier: MIT

/*
 * Sums over the cells of all threads, for calls of the API: never in a hook.
 */

#ifndef HEAPTRACE_TOTALS_H
#define HEAPTRACE_TOTALS_H

#include "segment.h"

/** Of the whole process, since its start or the last reset. */
void totals_sum(struct ht_cell *sum);

/**
 * Of each backtrace.
 *
 * @param sums   for numbers first, first + 1, ...; zeroed by the caller
 * @param count  of them
 */
void totals_by_trace(struct ht_cell *sums, uint32_t first, uint32_t count);

#endif
