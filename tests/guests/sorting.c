// SPDX-License-Identifier: MIT
// Four places that each come first by another key:
//	few_large    live 2 blocks, 8,000 bytes              first by size
//	many_small   live 100 blocks, 1,000 bytes            first by count
//	passing      peak 1 block of 50,000 bytes, freed     first by peak and at-peak
//	churning     3,000 blocks, 90,000 bytes, all freed   first by total and allocs
// Expect: allocations=3104 frees=3001 bytes=149010 live_blocks=103 live_bytes=9010 peak_bytes=59010 peak_blocks=104
// Own: few_large 2 8000 2 8000
// Own: many_small 100 1000 100 1000
// Own: passing 1 50000 0 0
// Own: churning 3000 90000 0 0
#include "guest.h"

static void oldest(void) { leak(1, 10); }
static void few_large(void) { leak(2, 4000); }
static void many_small(void) { leak(100, 10); }
static void passing(void) { use(1, 50000); }
static void churning(void) { use(3000, 30); }

int main(void)
{
	oldest();
	usleep(20000); /* more than a tick of the clock apart */
	few_large();
	many_small();
	passing();
	churning();
	return 0;
}
