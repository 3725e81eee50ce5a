// SPDX-License-Identifier: MIT
// posix_spawn of itself; the child leaks 4 blocks of 40 bytes.
// Expect: allocations=2 frees=0 bytes=40 live_blocks=2 live_bytes=40
// Expect: allocations=4 frees=0 bytes=160 live_blocks=4 live_bytes=160
#include "guest.h"
#include <spawn.h>

int main(int argc, char **argv)
{
	char *arguments[] = {argv[0], "child", NULL};
	pid_t child;
	int status;

	if (argc > 1) {
		leak(4, 40);
		return 0;
	}
	leak(1, 20);
	check(posix_spawn(&child, "/proc/self/exe", NULL, NULL, arguments, environ) == 0);
	check(waitpid(child, &status, 0) == child && status == 0);
	leak(1, 20);
	return 0;
}
