// SPDX-License-Identifier: MIT

/*
 * A traced process whose launcher and collector were killed still has its segment.
 */

#ifndef HEAPTRACE_ORPHAN_H
#define HEAPTRACE_ORPHAN_H

#include <sys/types.h>

/**
 * The segment that a process has mapped, or a copy of it.
 *
 * @return a descriptor; -1 with errno: ENOENT if it has mapped none, else why we may not see it
 */
int orphan_open(pid_t pid);

#endif
