// SPDX-License-Identifier: MIT
// RLIMIT_NOFILE of 3 (none can be opened any more), with a fork child.
// Expect: allocations=20 frees=0 bytes=200 live_blocks=20 live_bytes=200
// Expect: allocations=5 frees=0 bytes=50 live_blocks=5 live_bytes=50
// Counter: no it could not open its file in the child
#include "guest.h"

int main(void)
{
	struct rlimit three = {3, 3};

	leak(10, 10);
	check(setrlimit(RLIMIT_NOFILE, &three) == 0 && open("/dev/null", O_RDONLY) == -1);
	if (fork() == 0) {
		leak(5, 10);
		return 0;
	}
	check(wait(NULL) > 0);
	leak(10, 10);
	return 0;
}
