// SPDX-License-Identifier: MIT
// unshare of user, pid, net, mount and ipc namespaces, then a fork child, which is PID 1 in there.
// Expect: allocations=20 frees=0 bytes=200 live_blocks=20 live_bytes=200
// Expect: allocations=5 frees=0 bytes=50 live_blocks=5 live_bytes=50
// Ends: exit:0 exit:4
// Needs: userns
// Counter: no the pid there is another
#include "guest.h"

int main(void)
{
	int status;

	leak(10, 10);
	check(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC) == 0);
	if (fork() == 0) {
		check(getpid() == 1);
		leak(5, 10);
		_exit(4);
	}
	check(wait(&status) > 0 && WEXITSTATUS(status) == 4);
	leak(10, 10);
	return 0;
}
