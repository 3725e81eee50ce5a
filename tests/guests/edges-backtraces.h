// SPDX-License-Identifier: MIT
#include "guest.h"

static int down(int bits)
{
	if (bits == 1)
		return malloc(8) != NULL;
	if (bits & 1)
		return down(bits >> 1) + 1;
	return down(bits >> 1) + 2;
}
