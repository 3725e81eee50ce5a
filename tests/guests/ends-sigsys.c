// SPDX-License-Identifier: MIT
// Killed by seccomp's strict mode: any further system call but read, write and exit.
// Expect: allocations=10 frees=0 bytes=1100 live_blocks=10 live_bytes=1100
// Ends: signal:SIGKILL
#include "guest.h"
#include <linux/seccomp.h>
#include <sys/prctl.h>

int main(void)
{
	leak(9, 110);
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0);
	leak(1, 110);
	getppid();
	return 0;
}
