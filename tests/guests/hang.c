// SPDX-License-Identifier: MIT
// Leaks 10 blocks of 110 bytes, then sleeps until it is killed.
#include "guest.h"

int main(void)
{
	leak(10, 110);
	say("ready");
	for (;;)
		pause();
}
