// SPDX-License-Identifier: MIT

/* The HTML report's data: strings of strangers can end neither the string nor the script element. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/json.h"
#include "../../tools/report.h"
#include "../lib/build_segment.h"
#include "../lib/tap.h"
#include "../lib/rendered.h"

static char *escaped(const char *string)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	json_string_in_html(out, string);
	fclose(out);
	return text;
}

static void escapes(void)
{
	static const char *const cases[][2] = {
		{ "</script>", "\"\\u003c/script>\"" }, { "<!--<script>", "\"\\u003c!--\\u003cscript>\"" },
		{ "operator<<", "\"operator\\u003c\\u003c\"" }, { "a\"b\\", "\"a\\\"b\\\\\"" }, { "\n\x01", "\"\\u000a\\u0001\"" },
		{ "a\xff<", "\"a\\ufffd\\u003c\"" }, { "\xc3\xa4", "\"\xc3\xa4\"" }, { "", "\"\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = escaped(cases[i][0]);

		is_str(text, cases[i][1], "case %zu", i);
		free(text);
	}
	char *null = escaped(NULL);

	is_str(null, "null", "no string");
	free(null);
}

/** How often a part is in a text. */
static unsigned occurrences(const char *text, const char *part)
{
	unsigned count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

/** Nothing at all, and a process with nothing but a name that means harm. */
static void renders_little(void)
{
	char *command[] = { "</script><script>harm()</script>", "\xff", NULL };
	struct model model = { .command = command, .command_count = 2, .name = "</script>" }, *models[] = { &model };
	char *none = rendered(models, 0, FORMAT_HTML, NULL), *one = rendered(models, 1, FORMAT_HTML, NULL);

	has(none, "\"processes\":[]", "no process");
	has(one, "\"name\":\"\\u003c/script>\"", "a hostile name");
	is_int(occurrences(one, "</script>"), occurrences(none, "</script>"), "ends no script element");
	is_int(occurrences(one, "</script>"), 2, "of which there are two");
	has(one, "<!DOCTYPE html>", "the page begins");
	has(one, "</html>", "and ends");
	is_int(occurrences(one, "heaptrace:"), 0, "no mark is left in it");
	free(none);
	free(one);
}

/** Two processes of one segment: code that both run is listed once. */
static void shares_lines(void)
{
	struct built built = build_seed();
	struct model *models[] = { build_model(&built, 1, NULL), build_model(&built, 1, NULL) };
	char *one = rendered(models, 1, FORMAT_HTML, NULL), *two = rendered(models, 2, FORMAT_HTML, NULL);
	const char *of_one = strstr(one, "\"lines\":"), *of_two = strstr(two, "\"lines\":");

	is_str(of_two, of_one, "lines and strings of two that run the same are those of one");
	model_free(models[0]);
	model_free(models[1]);
	build_free(&built);
	free(one);
	free(two);
}

int main(void)
{
	escapes();
	renders_little();
	shares_lines();
	return tap_done();
}
