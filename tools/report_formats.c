// SPDX-License-Identifier: MIT

/* Which writer makes which document: see report.h. */

#include "report.h"

#include <stdlib.h>
#include <unistd.h>

typedef int report_writer(FILE *out, struct model **models, size_t count, const struct options *options);

static const struct {
	report_writer *write;
	const char *suffix;
} documents[] = {
	[FORMAT_TEXT] = { NULL, "txt" },
	[FORMAT_COLLAPSED] = { report_collapsed, "collapsed" },
	[FORMAT_JSON] = { report_json, "json" },
	[FORMAT_PPROF] = { report_pprof, "pb.gz" },
	[FORMAT_HEAP_V2] = { report_heap_v2, "heap" },
	[FORMAT_SPEEDSCOPE] = { report_speedscope, "speedscope.json" },
	[FORMAT_DHAT] = { report_dhat, "dhat.json" },
	[FORMAT_CSV] = { report_csv, "csv" },
	[FORMAT_MASSIF] = { report_massif, "massif" },
	[FORMAT_HTML] = { report_html, "html" },
};

int report_document(FILE *out, struct model **models, size_t count, const struct options *options)
{
	if (!documents[options->format].write)
		abort(); /* text is no document */
	return documents[options->format].write(out, models, count, options);
}

bool report_spoils_terminal(enum report_format format, int fd)
{
	return (format == FORMAT_PPROF || format == FORMAT_HTML) && fd >= 0 && isatty(fd);
}

const char *report_suffix(enum report_format format)
{
	return documents[format].suffix;
}
