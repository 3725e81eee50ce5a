// SPDX-License-Identifier: MIT
// clone(CLONE_VM | CLONE_VFORK) by the library, as posix_spawn and Go do it: the child's blocks are the parent's.
// Expect: allocations=4 frees=0 bytes=2060 live_blocks=4 live_bytes=2060
#include "guest.h"

static int child(void *unused)
{
	leak(2, 20);
	return 0;
}

int main(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status;
	pid_t pid;

	leak(1, 20);
	pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	leak(1, 2000);
	return 0;
}
