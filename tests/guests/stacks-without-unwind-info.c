// SPDX-License-Identifier: MIT
// Machine code made at run time, and assembly without CFI, with a frame pointer that means nothing: malloc is called
// from both, and the backtrace may be cut, but the counts are exact and nothing outside the stack is read.
// Expect: allocations=200 frees=0 bytes=2000 live_blocks=200 live_bytes=2000
#include "guest.h"

void *by_hand(size_t size, void *(*function)(size_t));
__asm__(".text\n.type by_hand, @function\nby_hand:\n"
	"	push %rbp\n	push %rbx\n	sub $24, %rsp\n	mov $0x7fffdeadbeef, %rbp\n"
	"	call *%rsi\n	add $24, %rsp\n	pop %rbx\n	pop %rbp\n	ret\n.size by_hand, .-by_hand\n");

int main(void)
{
	static const unsigned char code[] = {0x55, 0x48, 0xc7, 0xc5, 0xff, 0xff, 0xff, 0xff, /* push rbp; mov rbp, -1 */
					     0xff, 0xd6, 0x5d, 0xc3};                         /* call rsi; pop rbp; ret */
	void *(*made)(size_t, void *(*)(size_t)) = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(made != MAP_FAILED);
	memcpy(made, code, sizeof(code));
	for (int i = 0; i < 100; i++) {
		check(made(10, malloc));
		check(by_hand(10, malloc));
	}
	return 0;
}
