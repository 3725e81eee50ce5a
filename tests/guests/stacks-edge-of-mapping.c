// SPDX-License-Identifier: MIT
// A coroutine whose stack ends at an unmapped page, with rubbish for a return address at its top: the walk must stop.
// Expect: allocations=10 frees=0 bytes=100 live_blocks=10 live_bytes=100
#include "guest.h"
#include <setjmp.h>

static jmp_buf back;

static void body(void)
{
	for (int i = 0; i < 10; i++)
		check(malloc(10));
	longjmp(back, 1);
}

int main(void)
{
	char *stack = mmap(NULL, 32768 + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(stack != MAP_FAILED && munmap(stack + 32768, 4096) == 0);
	if (setjmp(back) == 0)
		__asm__ volatile("lea -8(%0), %%rsp\n	movq $0x41414141, (%%rsp)\n	mov $-8, %%rbp\n	jmp *%1"
				 : : "r"(stack + 32768), "r"(body) : "memory");
	return 0;
}
