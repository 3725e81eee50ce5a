// SPDX-License-Identifier: MIT
// new and delete as programs write them; libstdc++ itself keeps one block of 72,704 bytes.
// Expect: allocations=6 frees=4 bytes=72834 live_blocks=2 live_bytes=72714
// Build: -O0
#include <cstddef>

struct alignas(64) Wide { char bytes[64]; };
struct Small { virtual ~Small() {} short s; };

int main()
{
	delete new int;                    /* 4 */
	delete[] new char[36];             /* 36 */
	delete new Wide;                   /* 64 */
	delete new Small;                  /* 16 */
	char *volatile kept = new char[10];/* 10 */
	(void)kept;
}
