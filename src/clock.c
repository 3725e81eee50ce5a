// SPDX-License-Identifier: MIT

#include "clock.h"
#include "guest.h"
#include "real.h"

#include <time.h>

static uint64_t read_clock(int clock)
{
	struct timespec ts;

	if (!real.clock_gettime || real.clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_now(void)
{
	uint64_t now = load_relaxed(&guest.no_clock) ? 0 : read_clock(CLOCK_MONOTONIC), start = guest.header->start_ns;

	return now > start ? now - start : (uint64_t)load_relaxed(&guest.header->tick) << HT_TICK_SHIFT;
}

uint64_t clock_absolute(int clock)
{
	struct timespec ts = {0};
	uint64_t now = read_clock(clock);

	if (now)
		return now;
	raw_call(SYS_clock_gettime, clock, &ts, 0, 0);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void clock_tick(void)
{
	uint64_t now = read_clock(CLOCK_MONOTONIC_COARSE), start = guest.header->start_ns;

	if (now > start)
		store_relaxed(&guest.header->tick, (uint32_t)((now - start) >> HT_TICK_SHIFT));
}
