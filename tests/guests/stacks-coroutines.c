// SPDX-License-Identifier: MIT
// 100 coroutines on malloc'ed stacks, switched 10 times each, then their stacks are reused for 100 more.
// Expect: allocations=2100 frees=100 bytes=6573600 live_blocks=2000 live_bytes=20000
// Own: body 2000 20000 2000 20000
#include "guest.h"
#include <ucontext.h>

static ucontext_t caller, contexts[100];

static void body(void)
{
	for (int i = 0; i < 10; i++) {
		int self = -1;

		check(malloc(10));
		for (int n = 0; n < 100; n++)
			if ((char *)&self > (char *)contexts[n].uc_stack.ss_sp &&
			    (char *)&self < (char *)contexts[n].uc_stack.ss_sp + 65536)
				self = n;
		check(self >= 0 && swapcontext(&contexts[self], &caller) == 0);
	}
}

int main(void)
{
	for (int n = 0; n < 100; n++)
		contexts[n].uc_stack.ss_sp = malloc(65536);
	for (int round = 0; round < 2; round++) {
		for (int n = 0; n < 100; n++) {
			void *stack = contexts[n].uc_stack.ss_sp;
			getcontext(&contexts[n]);
			contexts[n].uc_stack.ss_sp = stack;
			contexts[n].uc_stack.ss_size = 65536;
			contexts[n].uc_link = &caller;
			makecontext(&contexts[n], body, 0);
		}
		for (int i = 0; i < 10; i++)
			for (int n = 0; n < 100; n++)
				check(swapcontext(&caller, &contexts[n]) == 0);
	}
	for (int n = 0; n < 100; n++)
		free(contexts[n].uc_stack.ss_sp);
	return 0;
}
