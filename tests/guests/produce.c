// SPDX-License-Identifier: MIT
// Leaks 3 blocks of 100 bytes and writes "one", "two", "three".
// Expect: allocations=3 frees=0 bytes=300 live_blocks=3 live_bytes=300
#include "guest.h"

int main(void)
{
	leak(3, 100);
	say("one");
	say("two");
	say("three");
	return 0;
}
