// SPDX-License-Identifier: MIT
// Two images by exec: the first leaks 10 blocks of 110 bytes, the second 5 of 50.
// Expect: allocations=10 frees=0 bytes=1100 live_blocks=10 live_bytes=1100
// Expect: allocations=5 frees=0 bytes=250 live_blocks=5 live_bytes=250
// Ends: exec exit:0
#include "guest.h"

int main(int argc, char **argv)
{
	if (argc > 1) {
		leak(5, 50);
		return 0;
	}
	leak(10, 110);
	execl("/proc/self/exe", argv[0], "again", NULL);
	return 1;
}
