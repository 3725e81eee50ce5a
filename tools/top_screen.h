// SPDX-License-Identifier: MIT

/*
 * The terminal of `heaptrace top`. It is given back as it was whatever happens: at the end, at a signal, when we stop,
 * when we crash.
 */

#ifndef HEAPTRACE_TOP_SCREEN_H
#define HEAPTRACE_TOP_SCREEN_H

#include <signal.h>

#include "top_ui.h"

/** Whether a terminal of this type can show a screen. @return NULL, or why not */
const char *screen_missing(const char *type);

/**
 * Show and obey until somebody leaves.
 *
 * @param keys     the terminal that keys come from
 * @param wake     readable when the worker has something
 * @param signals  a signalfd of SIGWINCH, SIGCHLD, SIGTSTP and what ends us, all of them blocked
 * @return 0, or the signal that ended it
 */
int screen_run(struct ui *ui, enum color_when color, int keys, int wake, int signals);

#endif
