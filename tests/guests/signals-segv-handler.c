// SPDX-License-Identifier: MIT
// A SIGSEGV handler on an alternate stack allocates and goes on, 100 times; then one that handles a stack overflow.
// Expect: allocations=201 frees=100 bytes=3007 live_blocks=101 live_bytes=1007
// Own: handler 201 3007 101 1007
#include "guest.h"
#include <setjmp.h>

static char stack[1 << 16];
static sigjmp_buf back;
static volatile int faults;

static void handler(int signal)
{
	if (++faults > 100) {
		check(malloc(7));
	} else {
		check(malloc(10));
		free(malloc(20));
	}
	siglongjmp(back, 1);
}

static int overflow(volatile char *above)
{
	volatile char frame[4096];

	frame[0] = *above;
	return overflow(frame) + frame[0];
}

int main(void)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	char c = 0;

	check(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);
	sigsetjmp(back, 1);
	if (faults < 100)
		*(volatile int *)8 = 1;
	if (faults == 100)
		overflow(&c);
	check(faults == 101);
	return 0;
}
