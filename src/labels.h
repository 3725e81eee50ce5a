// SPDX-License-Identifier: MIT

/*
 * With --by-thread backtraces are kept apart by the thread that allocated: each thread gets a label, which is part of the
 * key of its backtraces, and a record with its name.
 */

#ifndef HEAPTRACE_LABELS_H
#define HEAPTRACE_LABELS_H

#include "thread.h"

/** Give the thread at work its label, if it is another one than before; note its name now and then. Not the shared state. */
void label_update(struct thread *thread);

/** A fork child has no labels yet. */
void labels_forked(void);

#endif
