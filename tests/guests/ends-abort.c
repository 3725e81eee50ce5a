// SPDX-License-Identifier: MIT
// abort().
// Expect: allocations=10 frees=0 bytes=1100 live_blocks=10 live_bytes=1100
// Ends: signal:SIGABRT
#include "guest.h"

int main(void)
{
	leak(10, 110);
	abort();
}
