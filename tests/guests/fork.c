// SPDX-License-Identifier: MIT
// Parent: 10 blocks of 110 bytes, two of which the child frees in its own copy. Child: 5 of 50, and 2 inherited frees.
// Expect: allocations=12 frees=2 bytes=1120 live_blocks=10 live_bytes=1100 inherited=0
// Expect: allocations=5 frees=0 bytes=250 live_blocks=5 live_bytes=250 inherited=2
// Ends: exit:0 exit:9
#include "guest.h"

int main(void)
{
	void *a = malloc(10), *b = malloc(10);
	int status;

	leak(10, 110);
	if (fork() == 0) {
		leak(5, 50);
		free(a);
		free(b);
		_exit(9);
	}
	check(wait(&status) > 0 && WEXITSTATUS(status) == 9);
	check(wait(NULL) == -1 && errno == ECHILD);
	free(a);
	free(b);
	return 0;
}
