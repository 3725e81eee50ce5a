// SPDX-License-Identifier: MIT
// malloc_usable_size says what it says without us, every byte of it may be written to, and counts stay those of the
// sizes asked for; aligned blocks lie where they should.
// Expect: allocations=202 frees=100 bytes=38000 live_blocks=102 live_bytes=19650
#include "guest.h"

int main(void)
{
	char *aligned, *large;

	check(malloc_usable_size(NULL) == 0);
	for (size_t i = 1; i <= 100; i++) {
		size_t size = i * 3, room;
		char *block = malloc(size), *other = malloc(i % 2 ? size + 64 : 1);

		check(block && other && (room = malloc_usable_size(block)) >= size && room % 16 == 8);
		memset(block, 'x', room);
		if (i % 2)
			free(other);
		else
			free(block);
	}
	check(posix_memalign((void **)&aligned, 4096, 100) == 0 && (uintptr_t)aligned % 4096 == 0);
	memset(aligned, 'x', malloc_usable_size(aligned));
	check((large = aligned_alloc(256, 12000)) && (uintptr_t)large % 256 == 0 && malloc_usable_size(large) >= 12000);
	memset(large, 'x', malloc_usable_size(large));
	return 0;
}
