// SPDX-License-Identifier: MIT

/*
 * The text report where no collector can write it: the ten largest backtraces, addresses for names, by write(2).
 */

#ifndef HEAPTRACE_RAW_REPORT_H
#define HEAPTRACE_RAW_REPORT_H

/** For calls of the API, never in a hook. @param fd an open descriptor. @return 0 or a negative errno value */
int raw_report(int fd);

#endif
