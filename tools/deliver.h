// SPDX-License-Identifier: MIT

/* Where subcommands put what they make: stdout, or --outfile, whole or not at all. */

#ifndef HEAPTRACE_DELIVER_H
#define HEAPTRACE_DELIVER_H

#include <stdbool.h>
#include <stdio.h>

#include "model.h"
#include "options.h"

/** Writes the text or document. @return 0, or -1 with errno */
typedef int deliver_writer(FILE *out, const void *what, const struct options *options, bool terminal);

/**
 * Have it written to where the options say.
 *
 * @param command  the subcommand, for messages
 * @param first    gives %p and %n of --outfile their values
 * @return 0, or the exit code after a message
 */
int deliver(const char *command, const struct options *options, const struct model *first, deliver_writer *write,
	    const void *what);

#endif
