// SPDX-License-Identifier: MIT
// SIGKILL, by itself.
// Expect: allocations=10 frees=0 bytes=1100 live_blocks=10 live_bytes=1100
// Ends: signal:SIGKILL
#include "guest.h"

int main(void)
{
	leak(10, 110);
	kill(getpid(), SIGKILL);
	pause();
}
