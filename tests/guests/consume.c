// SPDX-License-Identifier: MIT
// Leaks a block of as many bytes as each line that it reads is long (newline included), and says how many lines.
#include "guest.h"

int main(void)
{
	int length = 0, lines = 0;
	char c;

	while (read(0, &c, 1) == 1) {
		length++;
		if (c == '\n') {
			leak(1, length);
			length = 0;
			lines++;
		}
	}
	say(lines == 3 ? "3 lines" : "not 3 lines");
	return 0;
}
