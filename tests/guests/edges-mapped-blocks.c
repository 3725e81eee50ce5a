// SPDX-License-Identifier: MIT
// Blocks that the allocator maps, each with another rest up to the end of its page: what is freed is what was asked for.
// Expect: allocations=128 frees=64 bytes=25845952 live_blocks=64 live_bytes=12922976
#include "guest.h"

int main(void)
{
	for (int i = 0; i < 64; i++) {
		void *gone = malloc(200000 + (size_t)i * 61);

		check(gone && malloc(200000 + (size_t)i * 61));
		free(gone);
		mallopt(M_MMAP_THRESHOLD, 128 << 10); /* it would rise with what is freed */
	}
	return 0;
}
