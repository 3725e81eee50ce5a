// SPDX-License-Identifier: MIT
// The raw system calls: SYS_fork, and SYS_clone without CLONE_VM.
// Expect: allocations=1 frees=0 bytes=100 live_blocks=1 live_bytes=100 inherited=0
// Expect: allocations=2 frees=0 bytes=40 live_blocks=2 live_bytes=40 inherited=1
// Expect: allocations=3 frees=0 bytes=60 live_blocks=3 live_bytes=60 inherited=1
#include "guest.h"

int main(void)
{
	void *p = malloc(100);

	if (syscall(SYS_fork) == 0) {
		leak(2, 20);
		free(p);
		_exit(0);
	}
	check(wait(NULL) > 0);
	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
		leak(3, 20);
		free(p);
		_exit(0);
	}
	check(wait(NULL) > 0);
	return 0;
}
