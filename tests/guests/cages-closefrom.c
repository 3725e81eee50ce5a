// SPDX-License-Identifier: MIT
// closefrom(3), as daemons do it, then a file of its own, a thread and a fork child.
// Expect: counter
// Expect: allocations=5 frees=0 bytes=50 live_blocks=5 live_bytes=50
// Own: leak 35 350 35 350
// Counter: no it could not open its file in the child
#include "guest.h"

static void *run(void *unused) { leak(10, 10); return NULL; }

int main(void)
{
	char name[] = "closefrom-XXXXXX", data[16] = "";
	pthread_t thread;
	int fd;

	leak(10, 10);
	closefrom(3);
	check((fd = mkstemp(name)) == 3 && unlink(name) == 0);
	leak(10, 10);
	check(pthread_create(&thread, NULL, run, NULL) == 0 && pthread_join(thread, NULL) == 0);
	if (fork() == 0) {
		leak(5, 10);
		_exit(0);
	}
	check(wait(NULL) > 0);
	check(write(fd, "mine", 4) == 4 && pread(fd, data, 16, 0) == 4 && !strcmp(data, "mine"));
	return 0;
}
