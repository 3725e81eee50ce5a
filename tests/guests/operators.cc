// SPDX-License-Identifier: MIT
// Every form of operator new and delete once; libstdc++ itself keeps one block of 72,704 bytes for emergencies.
// Expect: allocations=9 frees=8 bytes=72959 live_blocks=1 live_bytes=72704
// Own: allocate_all() 8 255 0 0
// Build: -fsized-deallocation
#include <new>
#include <cstdlib>

static void *p[8];
static const std::align_val_t aligned{64};

static void allocate_all()
{
	p[0] = operator new(1);
	p[1] = operator new[](2);
	p[2] = operator new(4, std::nothrow);
	p[3] = operator new[](8, std::nothrow);
	p[4] = operator new(16, aligned);
	p[5] = operator new[](32, aligned);
	p[6] = operator new(64, aligned, std::nothrow);
	p[7] = operator new[](128, aligned, std::nothrow);
}

int main()
{
	allocate_all();
	operator delete(p[0]);
	operator delete[](p[1], std::size_t{2});
	operator delete(p[2], std::nothrow);
	operator delete[](p[3], std::nothrow);
	operator delete(p[4], std::size_t{16}, aligned);
	operator delete[](p[5], aligned);
	operator delete(p[6], aligned, std::nothrow);
	operator delete[](p[7], std::size_t{128}, aligned);
}
