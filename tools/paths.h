// SPDX-License-Identifier: MIT

/* Paths of files. */

#ifndef HEAPTRACE_PATHS_H
#define HEAPTRACE_PATHS_H

/** What is behind the last slash; the whole path where that is nothing. */
const char *base_name(const char *path);

#endif
