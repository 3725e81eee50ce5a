// SPDX-License-Identifier: MIT

/* The page of --format=html: markup, style and script from tools/html/, which are part of the program. */

#ifndef HEAPTRACE_HTML_PAGE_H
#define HEAPTRACE_HTML_PAGE_H

#include <stdio.h>

/** Writes the page's data as JSON in which no `<` stands. */
typedef void html_data_writer(FILE *out, void *what);

/**
 * Write the page. Its policy lets the browser run nothing but our own script and fetch nothing at all, whatever the data
 * hold.
 */
void html_page(FILE *out, html_data_writer *write_data, void *what);

#endif
