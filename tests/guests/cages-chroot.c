// SPDX-License-Identifier: MIT
// chroot into an empty directory, with a fork child there.
// Expect: allocations=20 frees=0 bytes=200 live_blocks=20 live_bytes=200
// Expect: allocations=5 frees=0 bytes=50 live_blocks=5 live_bytes=50
// Needs: root
// Counter: no its files are outside
#include "guest.h"

int main(void)
{
	char empty[] = "empty-XXXXXX";

	leak(10, 10);
	check(mkdtemp(empty) && chroot(empty) == 0 && chdir("/") == 0);
	if (fork() == 0) {
		leak(5, 10);
		return 0;
	}
	check(wait(NULL) > 0);
	leak(10, 10);
	return 0;
}
