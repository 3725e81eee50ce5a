// SPDX-License-Identifier: MIT
// A vfork child that ends by _exit must not be taken for the end of its parent.
// Expect: allocations=3 frees=1 bytes=60 live_blocks=2 live_bytes=40
#include "guest.h"

int main(void)
{
	int status;
	pid_t child;

	leak(1, 20);
	child = vfork();
	if (child == 0) {
		use(1, 20);
		_exit(8);
	}
	check(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 8);
	leak(1, 20);
	return 0;
}
