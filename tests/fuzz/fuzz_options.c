// SPDX-License-Identifier: MIT

/* libFuzzer entry: a command line. The first byte chooses the command, each line of the rest is an argument. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/options.h"
#include "../../tools/report.h"

#define MOST_ARGUMENTS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What the rest of the program relies on. */
static void check(const struct options *options)
{
	if (options->depth < 1 || options->depth > HT_MAX_DEPTH || options->signal_count > HT_MAX_SIGNALS ||
	    options->sort_count < 1 || options->sort_count > MAX_SORT_KEYS || !*report_suffix(options->format) ||
	    options->metric > METRIC_TOTAL || options->color > COLOR_NEVER || options->unwinder > UNWINDER_LIBUNWIND)
		abort();
	for (size_t i = 0; i < options->signal_count; i++) {
		if (options->signals[i] < 1 || options->signals[i] > 64)
			abort();
	}
	for (size_t i = 0; i < options->sort_count; i++) {
		if (!strcmp(sort_key_name(options->sort[i]), "none"))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum option_scope scopes[] = { SCOPE_RUN, SCOPE_REPORT, SCOPE_DUMP, SCOPE_EXPORT, SCOPE_DIFF,
						     SCOPE_TOP, SCOPE_CTL };
	char *argv[MOST_ARGUMENTS + 2] = { "heaptrace" }, error[256] = "", *text, *rest;
	int argc = 1, next = -1;
	struct options options;
	enum options_result result;

	if (!size)
		return 0;
	rest = text = strndup((const char *)data + 1, size - 1);
	while (rest && argc <= MOST_ARGUMENTS)
		argv[argc++] = strsep(&rest, "\n");
	options_defaults(&options);
	result = options_parse(&options, scopes[data[0] % (sizeof(scopes) / sizeof(*scopes))], argc, argv, &next, error,
			       sizeof(error));
	if (next < 1 || next > argc)
		abort();
	if ((result == OPTIONS_ERROR) != (error[0] != '\0'))
		abort(); /* a refusal without a reason, or a reason without a refusal */
	if (result == OPTIONS_OK)
		check(&options);
	free(text);
	return 0;
}
