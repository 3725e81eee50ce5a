// SPDX-License-Identifier: MIT

/*
 * What addr2line said, kept on disk by build id: $XDG_CACHE_HOME/heaptrace, or ~/.cache/heaptrace. One file for each
 * debug file and tool; files are written aside and renamed, and checksummed, so that concurrent writers and half-written
 * or broken files do no harm. The directory is bounded: what has not been used for longest goes. --no-cache and
 * HEAPTRACE_CACHE=off switch it off, HEAPTRACE_CACHE_BYTES sets the bound.
 */

#ifndef HEAPTRACE_SYMBOLS_CACHE_H
#define HEAPTRACE_SYMBOLS_CACHE_H

#include <stdbool.h>

#include "symbols_lines.h"

/**
 * Read what is known of a file.
 *
 * @param key    a file name: build id, size and tool
 * @param count  out
 * @return places to be freed with cache_free(); NULL if nothing is known
 */
struct place *cache_load(const char *key, size_t *count);

void cache_free(struct place *places, size_t count);

/** Keep places, in the stead of what was kept under this key. Failing is no error. */
void cache_save(const char *key, const struct place *places, size_t count);

#endif
