// SPDX-License-Identifier: MIT
// execl with 5,000 arguments: as many as there are, as libc has it.
// Expect: allocations=1 frees=0 bytes=30 live_blocks=1 live_bytes=30
// Expect: allocations=1 frees=0 bytes=40 live_blocks=1 live_bytes=40
// Ends: exec exit:0
#include "guest.h"

#define TEN(x) x, x, x, x, x, x, x, x, x, x
#define THOUSAND TEN(TEN(TEN("a")))

int main(int argc, char **argv)
{
	if (argc == 5001) {
		check(strcmp(argv[1], "a") == 0 && strcmp(argv[5000], "a") == 0 && !argv[5001]);
		leak(1, 40);
		return 0;
	}
	leak(1, 30);
	execl("/proc/self/exe", argv[0], THOUSAND, THOUSAND, THOUSAND, THOUSAND, THOUSAND, NULL);
	return 1;
}
