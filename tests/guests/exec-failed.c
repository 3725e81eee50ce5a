// SPDX-License-Identifier: MIT
// An exec that fails changes nothing.
// Expect: allocations=7 frees=0 bytes=70 live_blocks=7 live_bytes=70
#include "guest.h"

int main(void)
{
	char *none[] = {NULL};
	const char *volatile nowhere = NULL;

	leak(3, 10);
	check(execl("/nonexistent/program", "program", NULL) == -1 && errno == ENOENT);
	check(execve(nowhere, none, none) == -1 && errno == EFAULT);
	check(execveat(AT_FDCWD, nowhere, none, none, 0) == -1 && errno == EFAULT);
	leak(4, 10);
	return 0;
}
