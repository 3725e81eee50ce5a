// SPDX-License-Identifier: MIT
// A timer's handler jumps out of malloc, free and realloc 500 times; afterwards the thread is traced as before. (The
// allocator below is one that can be left at any moment.)
// Expect: counter
// Own: after 10 1100 10 1100
// Env: LD_PRELOAD=@BUILD@/tests/bump.so
// Counter: no it holds a lock while it counts
#include "guest.h"
#include <setjmp.h>
#include <sys/time.h>

static sigjmp_buf back;
static volatile int armed;
static void tick(int signal) { if (armed) siglongjmp(back, 1); }
static void after(void) { for (int i = 0; i < 10; i++) check(malloc(110)); }

int main(void)
{
	struct sigaction action = {.sa_handler = tick};
	struct itimerval often = {{0, 500}, {0, 500}};
	volatile int jumps = 0;

	check(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &often, NULL) == 0);
	if (sigsetjmp(back, 1))
		jumps++;
	armed = 1;
	while (jumps < 500)
		free(realloc(malloc(10), 20));
	armed = 0;
	signal(SIGALRM, SIG_IGN);
	after();
	return 0;
}
