// SPDX-License-Identifier: MIT

/* Documents as strings. Include it behind tap.h. */

#ifndef HEAPTRACE_TESTS_RENDERED_H
#define HEAPTRACE_TESTS_RENDERED_H

#include <stdio.h>

#include "../../tools/report.h"

/** A document of models, to be freed; that it could be written is a test. `options` NULL: the defaults. */
static char *rendered(struct model **models, size_t count, enum report_format format, const struct options *options)
{
	struct options chosen;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	options_defaults(&chosen);
	if (options)
		chosen = *options;
	chosen.format = format;
	is_int(report_document(out, models, count, &chosen), 0, "written");
	fclose(out);
	return text;
}

#endif
