// SPDX-License-Identifier: MIT
// Leaks COUNT blocks of SIZE bytes and ends with STATUS. Arguments: COUNT SIZE STATUS (10, 110, 0).
#include "guest.h"

static void leak_a(int count, size_t size) { leak(count, size); }

int main(int argc, char **argv)
{
	leak_a(argc > 1 ? atoi(argv[1]) : 10, argc > 2 ? atoi(argv[2]) : 110);
	return argc > 3 ? atoi(argv[3]) : 0;
}
