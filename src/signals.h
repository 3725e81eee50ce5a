// SPDX-License-Identifier: MIT

/*
 * SIGUSR1 and SIGUSR2 ask for a report. The handler counts the request in the segment; the collector does the work.
 * Signals belong to the program: ours are installed only over SIG_DFL, hidden from what sigaction() and signal() say,
 * and withdrawn when the program installs its own.
 */

#ifndef HEAPTRACE_SIGNALS_H
#define HEAPTRACE_SIGNALS_H

/** Install the handlers that the segment's header asks for. Once, when tracing starts. */
void signals_start(void);

#endif
