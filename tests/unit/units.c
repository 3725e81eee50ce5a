// SPDX-License-Identifier: MIT

/* Sizes and ages read as the reference prints them. */

#include "../../tools/units.h"

#include "../lib/tap.h"

int main(void)
{
	const struct {
		uint64_t value;
		const char *text;
	} bytes[] = {
		{ 0, "0 bytes" }, { 1, "1 bytes" }, { 999, "999 bytes" }, { 1000, "1.000 KB" }, { 1045, "1.045 KB" },
		{ 22704, "22.704 KB" }, { 999999, "999.999 KB" }, { 1000000, "1.000 MB" }, { 2534499, "2.534 MB" },
		{ 2534500, "2.535 MB" }, { 999999499, "999.999 MB" }, { 999999500, "1.000 GB" },
		{ 1000000000000, "1.000 TB" }, { 18446744073709551615u, "18446744.074 TB" },
	}, ages[] = {
		{ 0, "0 ns" }, { 999, "999 ns" }, { 1000, "1.000 us" }, { 152000, "152.000 us" }, { 6236000, "6.236 ms" },
		{ 999999499, "999.999 ms" }, { 999999500, "1.000 secs" }, { 2345000000, "2.345 secs" },
		{ 59999499999, "59.999 secs" }, { 59999500000, "1 mins 0 secs" }, { 60000000000, "1 mins 0 secs" },
		{ 245000000000, "4 mins 5 secs" }, { 3599999999999, "59 mins 59 secs" },
		{ 3600000000000, "1 hours 0 mins" }, { 360061000000000, "100 hours 1 mins" },
	};

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
		is_str(units_bytes(bytes[i].value).text, bytes[i].text, "%s", bytes[i].text);
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
		is_str(units_age(ages[i].value).text, ages[i].text, "%s", ages[i].text);
	is_str(units_share(1, 3).text, "33.3%", "a share");
	is_str(units_share(0, 0).text, "0.0%", "a share of nothing");
	return tap_done();
}
