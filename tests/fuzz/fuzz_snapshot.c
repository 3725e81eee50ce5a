// SPDX-License-Identifier: MIT

/*
 * libFuzzer entry: any bytes as a segment or a snapshot, read, summed up and rendered in all formats. Build with
 * clang -fsanitize=fuzzer,address,undefined; tests/unit/snapshot-mutations.c walks the same code without libFuzzer.
 */

#include <stddef.h>
#include <stdint.h>

#include "../lib/render_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	render_bytes(data, size);
	return 0;
}
