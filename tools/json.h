// SPDX-License-Identifier: MIT

/*
 * Strings of strangers (paths, arguments, symbols) in documents that have to be valid: JSON, CSV, protocol buffers.
 * Bytes that are no UTF-8 become U+FFFD.
 */

#ifndef HEAPTRACE_JSON_H
#define HEAPTRACE_JSON_H

#include <stdint.h>
#include <stdio.h>

#include "model.h"

/** The string as valid UTF-8, to be freed. */
char *utf8_clean(const char *string);

/** A quoted cell of CSV (RFC 4180). Line ends inside would be legal, but break tools that read lines: they become spaces. */
void csv_cell(FILE *out, const char *string);

/** A quoted string, or null. */
void json_string(FILE *out, const char *string);

/** The same for a script element of an HTML page: nothing in it ends that. */
void json_string_in_html(FILE *out, const char *string);

/** "key":value */
void json_number(FILE *out, const char *key, uint64_t value);

/** A number in an object, and what it is called there. */
struct json_figure {
	const char *key;
	uint64_t value;
};

/** "key":value,"key":value,... */
void json_figures(FILE *out, const struct json_figure *figures, size_t count);

/** The same of a list: json_numbers(out, { "key", value }, ...). */
#define json_numbers(out, ...) \
	json_figures(out, (const struct json_figure[]) { __VA_ARGS__ }, \
		     sizeof((const struct json_figure[]) { __VA_ARGS__ }) / sizeof(struct json_figure))

/** The build id in hexadecimal digits, quoted, or null. The module may be NULL. */
void json_build_id(FILE *out, const struct module *module);

/** "command":["...",...]; of no model an empty list. */
void json_command(FILE *out, const struct model *model);

/** "thread":{"tid":number,"name":"..."} */
void json_thread(FILE *out, const struct thread *thread);

#endif
