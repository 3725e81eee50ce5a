// SPDX-License-Identifier: MIT

/* libFuzzer entry: the list of modules of a segment that is sound otherwise, and whose frames lie in those modules. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../lib/build_segment.h"
#include "../lib/render_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct built built;
	size_t room = HT_GRANULE - sizeof(struct ht_chunk);
	static uint8_t *records;

	if (!records) {
		built = build_seed();
		records = (uint8_t *)build_module_at(&built, 1);
	}
	memset(records, 0, room);
	memcpy(records, data, size < room ? size : room);
	render_bytes(built.bytes, built.header->used);
	return 0;
}
