// SPDX-License-Identifier: MIT

/* libFuzzer entry: text of a program with marks for addresses, into which names are put. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/options.h"
#include "../../tools/request_text.h"
#include "../../tools/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** All of the text comes out again, and what is put in stands where a mark was. */
static void check(const char *in, size_t size, const char *out, size_t out_size)
{
	size_t at = 0;

	for (size_t i = 0; i < size; i++) {
		if (in[i] == 1)
			return;
		if (at >= out_size || out[at++] != in[i])
			abort();
	}
	if (at != out_size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct module modules[] = {
		{ .path = "/nowhere/program", .start = 0x1000, .end = 0x9000 },
		{ .path = "/nowhere/library", .start = 0x8000, .end = UINT64_MAX },
	};
	struct model model = { .modules = modules, .module_count = 2 };
	struct options options;
	char *named = NULL;
	size_t named_size = 0;
	FILE *out = open_memstream(&named, &named_size);

	options_defaults(&options);
	options.cache = options.lines = false;
	request_text_name(out, (const char *)data, size, &model, &options);
	if (fclose(out))
		abort();
	check((const char *)data, size, named, named_size);
	free(named);
	symbols_forget();
	return 0;
}
