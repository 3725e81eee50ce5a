// SPDX-License-Identifier: MIT

/*
 * Time without system calls: the collector's tick for each event, the vdso's clock for first sights.
 */

#ifndef HEAPTRACE_CLOCK_H
#define HEAPTRACE_CLOCK_H

#include <stdint.h>

/** ns since the start of the run, exact; 0 if the kernel offers no vdso. About 25 ns. */
uint64_t clock_now(void);

/** CLOCK_MONOTONIC or CLOCK_REALTIME in ns; only at start-up: may be a system call. */
uint64_t clock_absolute(int clock);

/** Stand-alone: nobody else ticks; refresh header.tick from the vdso's coarse clock (about 10 ns). */
void clock_tick(void);

#endif
