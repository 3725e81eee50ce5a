// SPDX-License-Identifier: MIT
// All descriptors closed, then files opened: the program's own numbers, and nothing of ours written into them.
// Expect: allocations=4 frees=0 bytes=40 live_blocks=4 live_bytes=40
#include "guest.h"

int main(void)
{
	char name[] = "closed-XXXXXX", data[16] = "";

	leak(1, 10);
	check(close_range(0, ~0u, 0) == 0);
	leak(1, 10);
	check(open("/dev/null", O_RDWR) == 0 && mkstemp(name) == 1 && dup(1) == 2 && open("/dev/null", O_RDWR) == 3);
	leak(1, 10);
	leak(1, 10);
	check(write(1, "mine", 4) == 4 && pread(1, data, 16, 0) == 4 && !strcmp(data, "mine"));
	unlink(name);
	return 0;
}
