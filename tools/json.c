// SPDX-License-Identifier: MIT

/* Strings of strangers in documents that have to be valid: see json.h. */

#include "json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/** Bytes of the UTF-8 sequence at `s`: 0 if it is not one (overlong, surrogate, too high, cut). */
static unsigned utf8_length(const unsigned char *s)
{
	unsigned length = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (unsigned i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return length;
}

char *utf8_clean(const char *string)
{
	const unsigned char *s = (const unsigned char *)string;
	char *clean = memory_zeroed(strlen(string) + 1, 3), *at = clean;

	while (*s) {
		unsigned length = utf8_length(s);

		memcpy(at, length ? (const char *)s : "\xef\xbf\xbd", length ? length : 3);
		at += length ? length : 3;
		s += length ? length : 1;
	}
	return clean;
}

/** In a script element `<` would be the parser's: </script>, <!--. */
static void put_string(FILE *out, const char *string, bool in_html)
{
	const unsigned char *s = (const unsigned char *)string;

	if (!string) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	while (*s) {
		unsigned length = utf8_length(s);

		if (!length) {
			fputs("\\ufffd", out);
			s++;
		} else if (*s < 0x20 || *s == 0x7f || (in_html && *s == '<')) {
			fprintf(out, "\\u%04x", *s++);
		} else if (*s == '"' || *s == '\\') {
			fprintf(out, "\\%c", *s++);
		} else {
			fwrite(s, 1, length, out);
			s += length;
		}
	}
	fputc('"', out);
}

void csv_cell(FILE *out, const char *string)
{
	char *clean = utf8_clean(string);

	fputc('"', out);
	for (const char *c = clean; *c; c++) {
		if (*c == '"')
			fputc('"', out);
		fputc((unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c, out);
	}
	fputc('"', out);
	free(clean);
}

void json_string(FILE *out, const char *string)
{
	put_string(out, string, false);
}

void json_string_in_html(FILE *out, const char *string)
{
	put_string(out, string, true);
}

void json_number(FILE *out, const char *key, uint64_t value)
{
	fprintf(out, "\"%s\":%" PRIu64, key, value);
}

void json_figures(FILE *out, const struct json_figure *figures, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			fputc(',', out);
		json_number(out, figures[i].key, figures[i].value);
	}
}

void json_thread(FILE *out, const struct thread *thread)
{
	fprintf(out, "\"thread\":{\"tid\":%" PRIu32 ",\"name\":", thread->tid);
	json_string(out, thread->name);
	fputc('}', out);
}

void json_command(FILE *out, const struct model *model)
{
	fputs("\"command\":[", out);
	for (size_t i = 0; model && i < model->command_count; i++) {
		if (i)
			fputc(',', out);
		json_string(out, model->command[i]);
	}
	fputc(']', out);
}

void json_build_id(FILE *out, const struct module *module)
{
	if (!module || !module->build_id_size) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	for (uint32_t i = 0; i < module->build_id_size; i++)
		fprintf(out, "%02x", module->build_id[i]);
	fputc('"', out);
}
