// SPDX-License-Identifier: MIT

/* libFuzzer entry: names of functions, as hostile files have them, made short and made to fit a terminal. */

#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/top_label.h"
#include "../../tools/top_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Nothing that a terminal would obey, and no more columns than there are. */
static void fit(const char *text, unsigned columns, bool utf8)
{
	char *shown = text_fit(text, columns, utf8);

	if (text_columns(shown, utf8) > columns)
		abort();
	for (const unsigned char *c = (const unsigned char *)shown; *c; c++) {
		if (*c < ' ' || *c == 0x7f || (!utf8 && *c >= 0x80))
			abort();
	}
	free(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *label = label_short(text), *rest = text, *line;
	const char *functions[64];
	size_t count = 0;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (strlen(label) > strlen(text) + 1)
		abort();
	fit(text, size ? data[0] : 0, true);
	fit(text, size ? data[0] : 0, false);
	fit(label, 36, true);
	free(label);
	while (count < 64 && (line = strsep(&rest, "\n")))
		functions[count++] = line;
	label = label_make(functions, count, 80);
	fit(label, 80, true);
	free(label);
	free(text);
	return 0;
}
