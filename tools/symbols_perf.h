// SPDX-License-Identifier: MIT

/* Names of code that a JIT compiler made: /tmp/perf-PID.map, lines "START SIZE NAME" in hex. */

#ifndef HEAPTRACE_SYMBOLS_PERF_H
#define HEAPTRACE_SYMBOLS_PERF_H

#include <stdio.h>

#include "model.h"

struct perf_map;

/** The map of a model's process; NULL if there is none, or if it is another process's with the same pid, or not ours. */
struct perf_map *perf_map_read(const struct model *model);

/** The map that a file holds; lines that make no sense are left out. */
struct perf_map *perf_map_parse(FILE *file);

/** The name of the code at an address, or NULL. Of several that were there one after the other, the last. */
const char *perf_map_find(const struct perf_map *map, uint64_t address, uint64_t *start);

void perf_map_free(struct perf_map *map);

#endif
