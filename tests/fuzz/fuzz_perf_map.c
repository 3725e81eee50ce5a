// SPDX-License-Identifier: MIT

/* libFuzzer entry: a JIT compiler's map, and look-ups around everything that stands in it. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/symbols_perf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(const struct perf_map *map, uint64_t address)
{
	uint64_t start = 0;
	const char *name = perf_map_find(map, address, &start);

	if (name && (start > address || !*name || strchr(name, '\n')))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text, *line;
	FILE *file = size ? fmemopen((void *)data, size, "r") : NULL;
	struct perf_map *map;

	if (file) {
		map = perf_map_parse(file);
		fclose(file);
		while ((line = strsep(&rest, "\n"))) {
			uint64_t start = strtoull(line, &line, 16), length = strtoull(line, NULL, 16);

			look_up(map, start);
			look_up(map, start - 1);
			look_up(map, start + length - 1);
			look_up(map, start + length);
		}
		look_up(map, UINT64_MAX);
		perf_map_free(map);
	}
	free(text);
	return 0;
}
