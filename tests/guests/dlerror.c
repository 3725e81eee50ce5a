// SPDX-License-Identifier: MIT
// dlsym that fails and dlerror allocate inside the C library, in main and in a constructor before it.
// glibc 2.36 takes a block of 24 bytes for the first error and keeps it, and the last message.
// Expect: allocations=17 frees=13 live_blocks=4
// Own: leak 2 20 2 20
#include "guest.h"
#include <dlfcn.h>

static void fail(void)
{
	check(!dlsym(RTLD_DEFAULT, "no_such_symbol_anywhere"));
	check(strstr(dlerror(), "no_such_symbol_anywhere"));
	check(!dlopen("/nonexistent.so", RTLD_NOW) && dlerror());
	leak(1, 10);
}

__attribute__((constructor)) static void early(void) { fail(); }

int main(void)
{
	fail();
	return 0;
}
