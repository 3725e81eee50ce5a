// SPDX-License-Identifier: MIT
// Five million live blocks.
// Expect: allocations=5000000 frees=0 bytes=80000000 live_blocks=5000000 live_bytes=80000000
// Tier: full
#include "guest.h"

int main(void)
{
	leak(5000000, 16);
	return 0;
}
