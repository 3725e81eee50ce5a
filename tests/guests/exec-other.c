// SPDX-License-Identifier: MIT
// Another program is executed in this one's place: both are reported, and nothing of this one is lost.
// Expect: allocations=10 frees=0 bytes=1100 live_blocks=10 live_bytes=1100
// Expect: counter
// Ends: exec exit:1
// Needs: false
#include "guest.h"

int main(void)
{
	leak(10, 110);
	execlp("false", "false", (char *)NULL);
	return 9;
}
