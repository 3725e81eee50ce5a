// SPDX-License-Identifier: MIT

/* What the clocks say. */

#ifndef HEAPTRACE_CLOCK_H
#define HEAPTRACE_CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_ns(clockid_t clock);

/** CLOCK_MONOTONIC, as in segments. */
uint64_t monotonic_ns(void);

/** The same in ms, for deadlines. */
uint64_t monotonic_ms(void);

#endif
