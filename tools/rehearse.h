// SPDX-License-Identifier: MIT

/*
 * System calls without which a run would hang half-way, tried before the program starts.
 */

#ifndef HEAPTRACE_REHEARSE_H
#define HEAPTRACE_REHEARSE_H

#include <stddef.h>

/**
 * Try what launcher and collector live by. All signals are blocked already.
 *
 * @param listener  the run's socket
 * @return 0, or -1 with a message: what, why, do this
 */
int rehearse(int listener, char *error, size_t size);

#endif
