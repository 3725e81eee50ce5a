// SPDX-License-Identifier: MIT
// exit_group as a raw system call.
// Expect: allocations=10 frees=0 bytes=1100 live_blocks=10 live_bytes=1100
// Ends: exit:5
#include "guest.h"

int main(void)
{
	leak(10, 110);
	syscall(SYS_exit_group, 5);
}
