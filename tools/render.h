// SPDX-License-Identifier: MIT

/*
 * Making one report: from a segment to its destinations. Runs in a child of the collector, or in the launcher when the
 * collector has died; a report is made in memory first and then written in one piece.
 */

#ifndef HEAPTRACE_RENDER_H
#define HEAPTRACE_RENDER_H

#include "options.h"
#include "report.h"
#include "snapshot.h"

/** A report to be made. */
struct render {
	int segment;                    /* the segment's descriptor; -1: `snapshot` names a file */
	const char *snapshot;
	uint32_t number;                /* of the process in it */
	const struct host_facts *facts; /* NULL: the snapshot's */
	const struct options *options;
	struct report_occasion occasion;
	int stream;                     /* write the report here; -1: to `path`; neither: no report */
	const char *path;
	bool append;                    /* put it behind what the file holds */
	const char *tree;               /* put a record for the tree of processes into this file, or NULL */
	const char *save;               /* also keep a snapshot here, or NULL */
	const char *save_too;           /* and here */
};

/** Make one process's report. @return 0, or -1 after a message on stderr */
int render_process(const struct render *render);

/** Print the tree of the processes whose records are in a file, if it is wanted: on a stream, or (-1) behind what `path` holds. */
int render_tree(const char *records, int stream, const char *path);

/** Make one document (not text) of all processes, on the first one's stream or path. @return 0, or -1 */
int render_document(const struct render *renders, size_t count);

#endif
