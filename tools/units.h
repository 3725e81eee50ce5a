// SPDX-License-Identifier: MIT

/* Sizes and ages as people read them. KB is 1,000 bytes, as in the original heaptrace. */

#ifndef HEAPTRACE_UNITS_H
#define HEAPTRACE_UNITS_H

#include <stdint.h>

struct units_text {
	char text[40];
};

/** "999 bytes", "1.045 KB", ... "TB": three decimals, rounded half up. */
struct units_text units_bytes(uint64_t bytes);

/** "999 ns", "152.000 us", "6.236 ms", "2.345 secs", "4 mins 5 secs", "3 hours 2 mins". */
struct units_text units_age(uint64_t ns);

/** A part of a whole in per cent, "12.3%". */
struct units_text units_share(uint64_t part, uint64_t whole);

#endif
