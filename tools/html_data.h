// SPDX-License-Identifier: MIT

/*
 * The tables of an HTML page's data: strings, lines of code and the trees of backtraces, each thing listed once for the
 * whole document. tools/html/data.js reads them.
 */

#ifndef HEAPTRACE_HTML_DATA_H
#define HEAPTRACE_HTML_DATA_H

#include <stdio.h>

#include "memory.h"
#include "model.h"

/** A line of code, or what is known of it. Numbers are those of strings, -1: unknown. */
struct html_line {
	int32_t function, file, module;
	uint32_t line;
	uint64_t offset; /* from the module's start; the address itself if in none */
	bool inlined, allocator;
	bool thread;     /* no line, but what stands for one in front of the outermost frame */
};

struct html_node {
	uint32_t parent, line;
};

/** A document in the making; empty when zeroed. */
struct html {
	struct strings kept;
	struct table string_numbers; /* address of the kept string to number */
	const char **strings;
	size_t string_count, string_room;
	struct table named;          /* address of a frame's name to number of the line */
	struct table places, sites, known; /* (function, file), (module, offset), (both, line and kind) to numbers */
	struct html_line *lines;
	size_t line_count, line_room;
	struct table node_table;     /* of the process being written: (parent, line) to number */
	struct html_node *nodes;     /* 0 is the root */
	size_t node_count, node_room;
};

/** Who a process is and how it ended: the beginning of its object. */
void html_put_head(FILE *out, const struct model *model);

/** Begin the tree of another process. */
void html_begin_nodes(struct html *html);

/** The innermost node of a backtrace whose frames are named. */
uint32_t html_backtrace_node(struct html *html, const struct model *model, const struct backtrace *backtrace);

/** "nodes":{...} of the process. */
void html_put_nodes(FILE *out, const struct html *html);

/** "lines":{...},"strings":[...] of all that were used. */
void html_put_tables(FILE *out, const struct html *html);

void html_free(struct html *html);

#endif
