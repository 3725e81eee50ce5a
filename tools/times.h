// SPDX-License-Identifier: MIT

/* Times as people give them to options. */

#ifndef HEAPTRACE_TIMES_H
#define HEAPTRACE_TIMES_H

#include <stdint.h>

#define TIME_OPEN UINT64_MAX /* an end of a window that was not given */

/** "100ms", "2.5s", "10min", "1h"; only 0 needs no unit. @return 0, or -1: it is none of these, or too large */
int time_read(const char *text, uint64_t *ns);

/** "FROM..TO", each a time or nothing (TIME_OPEN). @return 0, or -1: it is nothing like it, or TO is not after FROM */
int time_read_window(const char *text, uint64_t *from, uint64_t *to);

#endif
