// SPDX-License-Identifier: MIT
// A program that replaces operator new: its own goes on being called, and its mallocs are counted.
// Expect: counter
// Own: make() 3 324 1 108
#include <cstdlib>
#include <new>

static int news, deletes;
void *operator new(std::size_t size) { news++; return std::malloc(size + 100); }
void operator delete(void *p) noexcept { deletes++; std::free(p); }
void operator delete(void *p, std::size_t) noexcept { deletes++; std::free(p); }

struct Eight { long value; };
static void make()
{
	delete new Eight;
	delete new Eight;
	Eight *volatile kept = new Eight;
	(void)kept;
}

int main()
{
	make();
	if (news != 3 || deletes != 2)
		_Exit(99);
}
