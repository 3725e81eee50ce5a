// SPDX-License-Identifier: MIT

/*
 * Text that a program's own code has made (dumps of sessions, the leak tracker), on its way to the program's descriptor:
 * addresses that are marked in it become names.
 */

#ifndef HEAPTRACE_REQUEST_TEXT_H
#define HEAPTRACE_REQUEST_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "collect_requests.h"

/** Receive the text until its end, name what is marked, and write it. @return 0 or a negative errno value */
int request_text_copy(const struct asked *asked);

/**
 * Write text with each mark ("\1", hexadecimal digits, newline) replaced by lines "--- 0xADDRESS: function at file:line",
 * the outer functions of inlined ones on lines of their own. Marks that are none stay as they are. The text is hostile.
 */
void request_text_name(FILE *out, const char *text, size_t size, struct model *model, const struct options *options);

#endif
