// SPDX-License-Identifier: MIT
// Leaks 10 blocks of 110 bytes, says "ready", then leaks SIZE bytes for every line that it reads, and says so. It ends
// at end of file. Arguments: SIZE (50).
#include "guest.h"

int main(int argc, char **argv)
{
	char c;

	leak(10, 110);
	say("ready");
	while (read(0, &c, 1) == 1)
		if (c == '\n') {
			leak(1, argc > 1 ? atoi(argv[1]) : 50);
			say("leaked");
		}
	return 0;
}
