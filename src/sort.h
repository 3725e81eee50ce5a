// SPDX-License-Identifier: MIT

/*
 * Sorting numbers of things. libc's qsort() allocates.
 */

#ifndef HEAPTRACE_SORT_H
#define HEAPTRACE_SORT_H

#include <stdbool.h>
#include <stdint.h>

/** Whether thing a goes behind thing b. */
typedef bool sort_behind(const void *things, uint32_t a, uint32_t b);

/** Sort in place, O(n log n) always; equal ones in any order. */
void sort_numbers(uint32_t *numbers, uint32_t count, sort_behind *behind, const void *things);

#endif
