// SPDX-License-Identifier: MIT
// An address that was never allocated is freed: the C library's own reaction.
// Expect: allocations=1 frees=0 bytes=100 live_blocks=1 live_bytes=100
// Ends: signal:SIGABRT
#include "guest.h"

int main(void)
{
	char *volatile p = malloc(100);

	free(p + 16);
	return 0;
}
