// SPDX-License-Identifier: MIT
// PR_SET_DUMPABLE 0: /proc/self belongs to root from here on.
// Expect: allocations=20 frees=0 bytes=200 live_blocks=20 live_bytes=200
#include "guest.h"
#include <sys/prctl.h>

int main(void)
{
	leak(10, 10);
	check(prctl(PR_SET_DUMPABLE, 0) == 0);
	leak(10, 10);
	return 0;
}
