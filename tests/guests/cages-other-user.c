// SPDX-License-Identifier: MIT
// From root to another user, with a fork child, and an exec afterwards: that image may not talk to root's collector.
// Expect: allocations=20 frees=0 bytes=200 live_blocks=20 live_bytes=200
// Expect: allocations=5 frees=0 bytes=50 live_blocks=5 live_bytes=50
// Ends: exec exit:0
// Needs: root
// Counter: no it may not make its file there
#include "guest.h"

int main(int argc, char **argv)
{
	if (argc > 1) {
		leak(7, 10);
		say("again");
		return 5;
	}
	leak(10, 10);
	check(setgid(65534) == 0 && setuid(65534) == 0 && getuid() == 65534);
	if (fork() == 0) {
		leak(5, 10);
		return 0;
	}
	check(wait(NULL) > 0);
	leak(10, 10);
	execl("/proc/self/exe", argv[0], "again", (char *)NULL);
	return 9;
}
