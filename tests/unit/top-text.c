// SPDX-License-Identifier: MIT

/* Figures of few characters, texts that fit their columns, curves. */

#include "../../tools/top_text.h"

#include <locale.h>
#include <stdlib.h>

#include "../lib/tap.h"

static void figures(void)
{
	const struct {
		uint64_t value;
		const char *text;
	} bytes[] = {
		{ 0, "0 B" }, { 1, "1 B" }, { 999, "999 B" }, { 1000, "1.00 KB" }, { 1005, "1.01 KB" }, { 9994, "9.99 KB" },
		{ 9995, "10.0 KB" }, { 99949, "99.9 KB" }, { 99950, "100 KB" }, { 999499, "999 KB" }, { 999500, "1.00 MB" },
		{ 12345678, "12.3 MB" }, { 999500000000, "1.00 TB" }, { 18446744073709551615u, "18.4 EB" },
	}, counts[] = {
		{ 0, "0" }, { 99999, "99999" }, { 100000, "100k" }, { 1234567, "1.23M" }, { 18446744073709551615u, "18.4E" },
	}, rates[] = {
		{ 0, "0" }, { 49, "0" }, { 50, "0.1" }, { 12340, "12.3" }, { 12000, "12" }, { 99949, "99.9" }, { 99950, "100" },
		{ 1234499, "1234" }, { 1234500, "1235" }, { 123456789, "123k" },
	}, times[] = {
		{ 0, "0:00" }, { 59999999999, "0:59" }, { 60000000000, "1:00" }, { 3599000000000, "59:59" },
		{ 10812000000000, "3:00:12" }, { 442800000000000, "5d 03:00" },
	};
	const struct {
		int64_t value;
		const char *text;
	} growths[] = {
		{ 0, "0" }, { 1, "+1 B" }, { -1, "-1 B" }, { 1500, "+1.50 KB" }, { -12345678, "-12.3 MB" },
		{ INT64_MAX, "+9.22 EB" }, { INT64_MIN, "-9.22 EB" },
	};

	for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++)
		is_str(short_bytes(bytes[i].value).text, bytes[i].text, "bytes: %s", bytes[i].text);
	for (size_t i = 0; i < sizeof(growths) / sizeof(*growths); i++)
		is_str(short_growth(growths[i].value).text, growths[i].text, "growth: %s", growths[i].text);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		is_str(short_count(counts[i].value).text, counts[i].text, "count: %s", counts[i].text);
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
		is_str(short_rate(rates[i].value).text, rates[i].text, "rate: %s", rates[i].text);
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		is_str(short_time(times[i].value).text, times[i].text, "time: %s", times[i].text);
}

/** No figure is wider than its column, whatever its value. */
static void widths(void)
{
	size_t widest[4] = { 0 };

	for (uint64_t value = 1, i = 0; i < 640; i++, value = value + value / 10 + 1) {
		size_t lengths[] = { strlen(short_bytes(value).text), strlen(short_growth((int64_t)(value >> 1)).text),
				     strlen(short_count(value).text), strlen(short_rate(value).text) };

		for (size_t j = 0; j < 4; j++)
			widest[j] = lengths[j] > widest[j] ? lengths[j] : widest[j];
	}
	is_int(widest[0], 7, "bytes take 7 characters at most");
	is_int(widest[1], 8, "growth takes 8");
	is_int(widest[2], 5, "counts take 5");
	is_int(widest[3], 5, "rates take 5");
}

static void fits(const char *text, unsigned columns, bool utf8, const char *expected, const char *name)
{
	char *fit = text_fit(text, columns, utf8);

	is_str(fit, expected, "%s", name);
	ok(text_columns(fit, utf8) <= columns, "%s: in its columns", name);
	free(fit);
}

static void fitting(void)
{
	fits("short", 5, false, "short", "what fits stays");
	fits("longer", 5, false, "lon..", "what does not is cut");
	fits("longer", 5, true, "long\xe2\x80\xa6", "with one sign in UTF-8");
	fits("longer", 2, false, "l.", "two columns");
	fits("longer", 1, false, ".", "one column");
	fits("longer", 0, true, "", "none");
	fits("a\tb\033[31mc\177", 20, true, "a?b?[31mc?", "control characters are not sent to a terminal");
	fits("gr\xc3\xbc\xc3\x9f", 9, true, "gr\xc3\xbc\xc3\x9f", "UTF-8 as it is");
	fits("gr\xc3\xbc\xc3\x9f", 9, false, "gr????", "or as ASCII");
	fits("a\xff\xc3z\xe2\x82", 9, true, "a??z??", "bytes that are no UTF-8");
	fits("\xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80", 20, true, "??? ?? ????", "surrogates, long forms and what is too large");
	fits("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", 5, true, "\xe6\xbc\xa2\xe5\xad\x97\xe2\x80\xa6", "characters of two columns");
	fits("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", 4, true, "\xe6\xbc\xa2\xe2\x80\xa6", "are not cut in two");
	fits("e\xcc\x81", 5, true, "e?", "what has no width of its own is not shown");
}

static void curve_is(const uint64_t *values, size_t count, unsigned columns, bool utf8, const char *expected, const char *name)
{
	char *curve = text_curve(values, count, columns, utf8);

	is_str(curve, expected, "%s", name);
	free(curve);
}

static void curves(void)
{
	const uint64_t values[] = { 0, 1, 500, 1000, 0 }, large[] = { UINT64_MAX, UINT64_MAX / 2 };

	curve_is(values, 5, 10, false, "_.-#_", "from nothing to most, a little is not nothing");
	curve_is(values, 5, 3, false, "-#_", "the last ones, where there is no room");
	curve_is(values + 3, 1, 9, true, "\xe2\x96\x88", "in UTF-8");
	curve_is(values, 0, 9, true, "", "no value");
	curve_is(values, 1, 9, false, "_", "nothing at all");
	curve_is(large, 2, 9, false, "#-", "the largest figures");
}

int main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		printf("1..0 # SKIP there is no locale with UTF-8\n");
		return 0;
	}
	figures();
	widths();
	fitting();
	curves();
	ok(text_holds("std::Vector", "vec") && text_holds("x", "") && !text_holds("abc", "abd"), "filters take any case");
	return tap_done();
}
