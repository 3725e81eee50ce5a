// SPDX-License-Identifier: MIT
// A handler allocates on a signal stack of the size that <signal.h> used to call enough: what the kernel puts there, and 4 KiB.
// Expect: counter
// Own: handler 20 2000 20 2000
#include "guest.h"

#define PAGE 4096u

static void handler(int number)
{
	leak(20, 100);
}

int main(void)
{
	size_t size = (size_t)sysconf(_SC_MINSIGSTKSZ) + 4096;
	char *pages = mmap(NULL, PAGE + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = {.ss_sp = pages + PAGE, .ss_size = size};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	/* The loader binds malloc here. */
	use(1, 1);
	check(pages != MAP_FAILED && mprotect(pages, PAGE, PROT_NONE) == 0);
	check(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
	check(raise(SIGUSR1) == 0);
	return 0;
}
