// SPDX-License-Identifier: MIT

/*
 * The collector's knowledge of a process as the text of a snapshot's HOST chunk: lines "key value". Unknown keys are
 * skipped, so that later versions can add some.
 */

#ifndef HEAPTRACE_HOST_FACTS_H
#define HEAPTRACE_HOST_FACTS_H

#include "model.h"

/** @return the text, to be freed; *size without the NUL behind it */
char *host_facts_write(const struct host_facts *facts, size_t *size);

/** Parse hostile text: what is malformed is left at zero. @return lines that were not understood */
size_t host_facts_read(struct host_facts *facts, const char *text, size_t size);

/** A deep copy, but for the history: that stays with the original. */
void host_facts_copy(struct host_facts *to, const struct host_facts *from);

/** Free what the facts hold, not the struct itself. */
void host_facts_free(struct host_facts *facts);

#endif
