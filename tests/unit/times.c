// SPDX-License-Identifier: MIT

/* Times and windows are read as people write them; what means nothing is refused, also where a number would overflow. */

#include "../../tools/times.h"

#include "../lib/tap.h"

static void reads_times(void)
{
	const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "100ms", 100000000 }, { "2s", 2000000000 }, { "2.5s", 2500000000 }, { "0.001s", 1000000 },
		{ "1.9999s", 1999000000 }, { "10min", 600000000000 }, { "1h", 3600000000000 }, { "0", 0 }, { "0s", 0 },
		{ "1.5h", 5400000000000 }, { "876000h", 3153600000000000000 }, { "007ms", 7000000 },
	};
	const char *const bad[] = {
		"", "s", "5", "5m", "5 s", " 5s", "5s ", "-5s", "+5s", "5sec", "5.s", ".5s", "1e3s", "5S", "0x5s", "1,5s", "nan",
		"876001h", "99999999999999999999s", "18446744073709551615ms", "18446744073709551.615s", "1..2s",
	};
	uint64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ns = 1;
		ok(time_read(good[i].text, &ns) == 0 && ns == good[i].ns, "%s", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(time_read(bad[i], &ns) != 0, "not a time: '%s'", bad[i]);
}

static void reads_windows(void)
{
	const char *const bad[] = { "", ".", "5s", "5s.6s", "2s..1s", "1s..1s", "1s...2s", "a..b", "1s..2s..3s", "0..0s", "1..2" };
	uint64_t from, to;

	ok(time_read_window("1s..2min", &from, &to) == 0 && from == 1000000000 && to == 120000000000, "a window");
	ok(time_read_window("..2min", &from, &to) == 0 && from == TIME_OPEN && to == 120000000000, "without a beginning");
	ok(time_read_window("0..", &from, &to) == 0 && from == 0 && to == TIME_OPEN, "without an end");
	ok(time_read_window("..", &from, &to) == 0 && from == TIME_OPEN && to == TIME_OPEN, "the whole run");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(time_read_window(bad[i], &from, &to) != 0, "not a window: '%s'", bad[i]);
}

int main(void)
{
	reads_times();
	reads_windows();
	return tap_done();
}
