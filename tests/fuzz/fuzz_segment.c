// SPDX-License-Identifier: MIT

/* libFuzzer entry: a live segment, in the form of granules.h, read, summed up, rendered in all formats and saved. */

#include "../lib/render_bytes.h"
#include "granules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *segment;
	size_t length = granules_spread(data, size, &segment);

	render_bytes(segment, length);
	return 0;
}
