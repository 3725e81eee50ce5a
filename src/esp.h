// SPDX-License-Identifier: MIT

/*
 * What the files of heap_trace share; the program's view is include/heaptrace/esp_heap_trace.h.
 */

#ifndef HEAPTRACE_ESP_H
#define HEAPTRACE_ESP_H

#include "session.h"

/** How a dump looks; see HEAP_TRACE_DUMP_* in esp_heap_trace.h. */
struct esp_dump {
	unsigned flags;
	uint32_t caps;
	uint64_t since; /* number of the first allocation that is shown */
};

/** Write a snapshot to a descriptor. @return 0 or a negative errno value */
int esp_dump_write(const struct session_snapshot *snapshot, const struct esp_dump *dump, int fd);

#endif
