// SPDX-License-Identifier: MIT
// Before and after main: preinit array, constructors with and without priority, C++ statics, atexit handlers,
// destructors that allocate and free. At exit is after the last of them.
// Expect: counter
// Own: before_all() 1 1000 1 1000
// Own: early() 1 2000 1 2000
// Own: Static::Static() 1 3000 0 0
// Own: Static::~Static() 1 4000 1 4000
// Own: at_exit() 1 5000 1 5000
// Own: last() 1 6000 1 6000
#include <cstdlib>

static void before_all() { if (!malloc(1000)) abort(); }
__attribute__((section(".preinit_array"), used)) static void (*preinit)() = before_all;
__attribute__((constructor(101))) static void early() { if (!malloc(2000)) abort(); }
__attribute__((destructor(101))) static void last() { if (!malloc(6000)) abort(); }
static void at_exit() { if (!malloc(5000)) abort(); }

struct Static {
	void *kept;
	Static() : kept(malloc(3000)) {}
	~Static() { free(kept); if (!malloc(4000)) abort(); }
};
static Static instance;

int main()
{
	atexit(at_exit);
}
