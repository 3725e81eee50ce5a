// SPDX-License-Identifier: MIT
// Four images, one after the other; number n leaks n blocks of 100 bytes.
// Expect: allocations=4 frees=0 bytes=400 live_blocks=4 live_bytes=400
// Expect: allocations=3 frees=0 bytes=300 live_blocks=3 live_bytes=300
// Expect: allocations=2 frees=0 bytes=200 live_blocks=2 live_bytes=200
// Expect: allocations=1 frees=0 bytes=100 live_blocks=1 live_bytes=100
// Ends: exec exec exec exit:0
// Args: 4
#include "guest.h"

int main(int argc, char **argv)
{
	check(argc == 2);
	leak(argv[1][0] - '0', 100);
	if (--argv[1][0] == '0')
		return 0;
	execv("/proc/self/exe", argv);
	return 1;
}
