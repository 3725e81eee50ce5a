// SPDX-License-Identifier: MIT
// Every form of operator new and delete in a constructor that runs before the C++ library's own; that keeps one block of
// 72,704 bytes.
// Expect: allocations=9 frees=4 bytes=73214 live_blocks=5 live_bytes=73042
// Own: begins() 8 510 4 338
#include <cstdlib>
#include <new>

struct alignas(64) Wide { char bytes[64]; };

__attribute__((constructor(101))) static void begins()
{
	int *volatile one = new int;                                           /* 4, freed */
	delete one;
	char *volatile many = new char[40];                                    /* 40, freed */
	delete[] many;
	Wide *volatile wide = new Wide;                                        /* 64, freed */
	delete wide;
	Wide *volatile wides = new Wide[1];                                    /* 64, freed */
	delete[] wides;
	if (!operator new(10, std::nothrow) || !operator new[](100, std::nothrow) ||
	    !operator new(100, std::align_val_t(128)) || !operator new[](128, std::align_val_t(128), std::nothrow))
		abort();
}

int main() { return 0; }
