// SPDX-License-Identifier: MIT
// An exec that fails changes nothing.
// Expect: allocations=7 frees=0 bytes=70 live_blocks=7 live_bytes=70
#include "guest.h"

int main(void)
{
	leak(3, 10);
	check(execl("/nonexistent/program", "program", NULL) == -1 && errno == ENOENT);
	leak(4, 10);
	return 0;
}
