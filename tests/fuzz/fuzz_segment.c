// SPDX-License-Identifier: MIT

/*
 * libFuzzer entry: a live segment. Its records lie 64 KiB apart, too far for a fuzzer that changes bytes; here the input
 * says what each granule begins with, as two bytes of length and that many bytes, and the rest are zeros. seeds.c writes
 * valid segments in this form.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../src/segment.h"
#include "../lib/render_bytes.h"

#define MOST_GRANULES 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t segment[MOST_GRANULES * HT_GRANULE];
	size_t granules = 0;

	memset(segment, 0, sizeof(segment));
	for (size_t at = 0; at + 2 <= size && granules < MOST_GRANULES; granules++) {
		size_t length = (size_t)data[at] | (size_t)data[at + 1] << 8;

		at += 2;
		if (length > size - at)
			length = size - at;
		memcpy(segment + granules * HT_GRANULE, data + at, length);
		at += length;
	}
	render_bytes(segment, granules * HT_GRANULE);
	return 0;
}
