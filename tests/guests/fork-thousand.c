// SPDX-License-Identifier: MIT
// 1,000 forks, each child leaking 3 blocks of 30 bytes.
// Expect: allocations=1 frees=0 bytes=10 live_blocks=1 live_bytes=10
// Children: 1000 allocations=3 frees=0 bytes=90 live_blocks=3 live_bytes=90
#include "guest.h"

int main(void)
{
	int status;

	leak(1, 10);
	for (int i = 0; i < 1000; i++) {
		pid_t child = fork();
		if (child == 0) {
			leak(3, 30);
			_exit(0);
		}
		check(waitpid(child, &status, 0) == child && status == 0);
	}
	return 0;
}
