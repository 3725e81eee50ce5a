// SPDX-License-Identifier: MIT

/*
 * Live segments for the fuzzer. Their records lie 64 KiB apart, too far for something that changes bytes; here the input
 * says what each granule begins with, as two bytes of length and that many bytes, and the rest are zeros. seeds.c writes
 * valid segments in this form.
 */

#ifndef HEAPTRACE_TESTS_GRANULES_H
#define HEAPTRACE_TESTS_GRANULES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../src/segment.h"

#define MOST_GRANULES 24

/** Make a segment. @return its size; *segment is valid until the next call */
static inline size_t granules_spread(const uint8_t *data, size_t size, const uint8_t **segment)
{
	static uint8_t bytes[MOST_GRANULES * HT_GRANULE];
	size_t granules = 0;

	memset(bytes, 0, sizeof(bytes));
	for (size_t at = 0; at + 2 <= size && granules < MOST_GRANULES; granules++) {
		size_t length = (size_t)data[at] | (size_t)data[at + 1] << 8;

		at += 2;
		if (length > size - at)
			length = size - at;
		memcpy(bytes + granules * HT_GRANULE, data + at, length);
		at += length;
	}
	*segment = bytes;
	return granules * HT_GRANULE;
}

#endif
