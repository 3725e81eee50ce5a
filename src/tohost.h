// SPDX-License-Identifier: MIT

/*
 * heap_trace's host-based mode: every event goes to a file or a FIFO, in the shape that tohost_stream.h describes.
 */

#ifndef HEAPTRACE_TOHOST_H
#define HEAPTRACE_TOHOST_H

#include "session.h"

/** What writes the stream; for a session without records. */
extern const struct session_listener tohost_listener HIDDEN;

/** Open the place. @param path  may be NULL: the usual one. @return 0, or a negative errno value */
int tohost_open(const char *path);

/** The session was stopped: a reader may have all until here. It may go on. */
void tohost_pause(void);

/** The session is closed. */
void tohost_close(void);

#endif
