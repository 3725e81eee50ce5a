// SPDX-License-Identifier: MIT
// A vfork child shares memory: what it allocates is the parent's. It executes /bin/true.
// Expect: allocations=3 frees=0 bytes=60 live_blocks=3 live_bytes=60
// Expect: counter
// Needs: true
#include "guest.h"

int main(void)
{
	int status;
	pid_t child;

	leak(1, 20);
	child = vfork();
	if (child == 0) {
		leak(1, 20);
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	check(waitpid(child, &status, 0) == child && status == 0);
	leak(1, 20);
	return 0;
}
