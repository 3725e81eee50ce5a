// SPDX-License-Identifier: MIT
// _exit(4): nothing runs any more, the report is there all the same.
// Expect: allocations=10 frees=0 bytes=1100 live_blocks=10 live_bytes=1100
// Ends: exit:4
#include "guest.h"

int main(void)
{
	leak(10, 110);
	_exit(4);
}
