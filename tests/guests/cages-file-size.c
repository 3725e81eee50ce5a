// SPDX-License-Identifier: MIT
// RLIMIT_FSIZE 0: whoever writes a file dies of SIGXFSZ.
// Expect: allocations=1000 frees=0 bytes=10000 live_blocks=1000 live_bytes=10000
#include "guest.h"

int main(void)
{
	struct rlimit none = {0, 0};

	check(setrlimit(RLIMIT_FSIZE, &none) == 0);
	leak(1000, 10);
	return 0;
}
