// SPDX-License-Identifier: MIT
// operator new throws, nothrow new returns null, the new_handler is called. libstdc++ keeps one block of 72,704 bytes,
// the exception itself (the two that are caught) is one block each, freed.
// Expect: counter
// Own: keep() 1 11 1 11
#include <new>
#include <cstdlib>

static int called;
static void handler() { called++; std::set_new_handler(nullptr); }
static void keep() { char *volatile p = new char[11]; (void)p; }

int main()
{
	volatile std::size_t huge = static_cast<std::size_t>(-1) / 2 - 100;
	int caught = 0;

	try { ::operator new(huge); } catch (const std::bad_alloc &) { caught++; }
	std::set_new_handler(handler);
	try { ::operator new[](huge); } catch (const std::bad_alloc &) { caught++; }
	if (::operator new(huge, std::nothrow) || caught != 2 || called != 1)
		_Exit(99);
	keep();
}
