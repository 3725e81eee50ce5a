// SPDX-License-Identifier: MIT
// mlockall(MCL_FUTURE) under RLIMIT_MEMLOCK of 8 MiB, then allocations, a thread and a fork child. Root is held to that
// limit only when it has become somebody else.
// Expect: counter
// Expect: allocations=5 frees=0 bytes=50 live_blocks=5 live_bytes=50
// Own: work 2000 200000 0 0
// Counter: no its own table would not fit
#include "guest.h"

static void work(void) { use(1000, 100); }
static void *run(void *unused) { work(); return NULL; }

int main(void)
{
	struct rlimit limit = {8 << 20, 8 << 20};
	pthread_attr_t small;
	pthread_t thread;

	check(setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && (geteuid() != 0 || setuid(65534) == 0));
	if (mlockall(MCL_FUTURE) != 0)
		return 0;
	work();
	check(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 64 << 10) == 0);
	check(pthread_create(&thread, &small, run, NULL) == 0 && pthread_join(thread, NULL) == 0);
	if (fork() == 0) {
		leak(5, 10);
		_exit(0);
	}
	check(wait(NULL) > 0);
	return 0;
}
