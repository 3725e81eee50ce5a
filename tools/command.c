// SPDX-License-Identifier: MIT

#include <stdio.h>

#include "command.h"

static int printed(const char *name)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	fprintf(stderr, "heaptrace %s: standard output cannot be written\n", name);
	return EXIT_HEAPTRACE;
}

int command_options(struct options *options, enum option_scope scope, int argc, char **argv, int *next)
{
	char error[512];
	options_defaults(options);
	switch (options_parse(options, scope, argc, argv, next, error, sizeof(error))) {
	case OPTIONS_HELP:
		options_help(scope);
		return printed(argv[0]);
	case OPTIONS_VERSION:
		puts("heaptrace " HT_RELEASE);
		return printed(argv[0]);
	case OPTIONS_ERROR:
		fprintf(stderr, "heaptrace %s: %s\n", argv[0], error);
		return EXIT_HEAPTRACE;
	default:
		return GO_ON;
	}
}
