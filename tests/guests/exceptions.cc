// SPDX-License-Identifier: MIT
// 1,000 exceptions thrown through 200 frames; libstdc++ allocates and frees each.
// Expect: counter
// Own: leak_one() 1000 7000 1000 7000
#include <cstdlib>
#include <stdexcept>

static void leak_one() { if (!malloc(7)) abort(); }
static int deep(int n)
{
	if (n == 0) {
		leak_one();
		throw std::runtime_error("deep down, and with a text that is too long for the small buffer");
	}
	return deep(n - 1) + 1;
}

int main()
{
	int caught = 0;

	for (int i = 0; i < 1000; i++)
		try { deep(200); } catch (const std::exception &) { caught++; }
	return caught == 1000 ? 0 : 99;
}
