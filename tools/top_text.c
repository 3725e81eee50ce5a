// SPDX-License-Identifier: MIT

/* Text in columns: see top_text.h. */

#include "top_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#include "memory.h"

/** value * times / unit, rounded half up. */
static uint64_t rounded(uint64_t value, unsigned times, uint64_t unit)
{
	return (uint64_t)(((unsigned __int128)value * times + unit / 2) / unit);
}

/** Three digits of value / unit: "1.05", "12.3", "123". False if that would be "1000". */
static bool three_digits(uint64_t value, uint64_t unit, char *text, size_t size)
{
	uint64_t cents = rounded(value, 100, unit), tenths = rounded(value, 10, unit), whole = rounded(value, 1, unit);

	if (cents < 1000)
		snprintf(text, size, "%" PRIu64 ".%02" PRIu64, cents / 100, cents % 100);
	else if (tenths < 1000)
		snprintf(text, size, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
	else if (whole < 1000)
		snprintf(text, size, "%" PRIu64, whole);
	else
		return false;
	return true;
}

/** With the first unit that leaves no more than three digits. */
static struct short_text scaled(uint64_t value, const char *const *units, size_t count)
{
	struct short_text text;
	char digits[16];
	uint64_t unit = 1000;

	for (size_t i = 0; i < count; i++, unit *= 1000) {
		if (three_digits(value, unit, digits, sizeof(digits))) {
			snprintf(text.text, sizeof(text.text), "%.8s%s", digits, units[i]);
			return text;
		}
	}
	snprintf(text.text, sizeof(text.text), "lots");
	return text;
}

struct short_text short_bytes(uint64_t bytes)
{
	static const char *const units[] = { " KB", " MB", " GB", " TB", " PB", " EB" };
	struct short_text text;

	if (bytes >= 1000)
		return scaled(bytes, units, 6);
	snprintf(text.text, sizeof(text.text), "%" PRIu64 " B", bytes);
	return text;
}

struct short_text short_growth(int64_t bytes)
{
	struct short_text text, size = short_bytes(bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes);

	snprintf(text.text, sizeof(text.text), "%s%.10s", bytes < 0 ? "-" : "+", size.text);
	if (!bytes)
		strcpy(text.text, "0");
	return text;
}

struct short_text short_count(uint64_t count)
{
	static const char *const units[] = { "k", "M", "G", "T", "P", "E" };
	struct short_text text;

	if (count >= 100000)
		return scaled(count, units, 6);
	snprintf(text.text, sizeof(text.text), "%" PRIu64, count);
	return text;
}

struct short_text short_rate(uint64_t thousandths)
{
	uint64_t tenths = thousandths / 100 + (thousandths % 100 >= 50);
	struct short_text text;

	if (tenths >= 1000 || tenths % 10 == 0)
		return short_count(thousandths / 1000 + (thousandths % 1000 >= 500));
	snprintf(text.text, sizeof(text.text), "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
	return text;
}

struct short_text short_time(uint64_t ns)
{
	uint64_t seconds = ns / 1000000000, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
	struct short_text text;

	if (days)
		snprintf(text.text, sizeof(text.text), "%" PRIu64 "d %02u:%02u", days, (unsigned)(hours % 24),
			 (unsigned)(minutes % 60));
	else if (hours)
		snprintf(text.text, sizeof(text.text), "%u:%02u:%02u", (unsigned)hours, (unsigned)(minutes % 60),
			 (unsigned)(seconds % 60));
	else
		snprintf(text.text, sizeof(text.text), "%u:%02u", (unsigned)minutes, (unsigned)(seconds % 60));
	return text;
}

/**
 * Decode one character.
 *
 * @param length  out: bytes that it takes
 * @return it, or 0 if there is none (broken, too long, a surrogate)
 */
static wchar_t decode(const char *text, size_t *length)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	size_t count = bytes[0] < 0x80 ? 1 : bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 0;
	uint32_t value = count < 2 ? bytes[0] : bytes[0] & (0x7f >> count);

	*length = 1;
	if (!count || bytes[0] >= 0xf8)
		return 0;
	for (size_t i = 1; i < count; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (bytes[i] & 0x3f);
	}
	if (value < least[count] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	*length = count;
	return (wchar_t)value;
}

/** Columns of one character, 0 if it cannot be shown alone. `length` as in decode(). */
static unsigned width_of(const char *text, bool utf8, size_t *length)
{
	unsigned char first = (unsigned char)*text;
	wchar_t c;
	int width;

	*length = 1;
	if (first < 0x80)
		return first >= ' ' && first != 0x7f;
	if (!utf8)
		return 0;
	c = decode(text, length);
	width = c ? wcwidth(c) : 0;
	return width > 0 ? (unsigned)width : 0;
}

unsigned text_columns(const char *text, bool utf8)
{
	unsigned columns = 0;
	size_t length;

	for (; *text; text += length) {
		unsigned width = width_of(text, utf8, &length);

		columns += width ? width : 1;
	}
	return columns;
}

char *text_fit(const char *text, unsigned columns, bool utf8)
{
	const char *ellipsis = utf8 ? "\xe2\x80\xa6" : columns > 2 ? ".." : ".";
	unsigned rest = utf8 || columns < 3 ? 1 : 2, filled = 0;
	bool cut = text_columns(text, utf8) > columns;
	char *fit = memory_zeroed(1, strlen(text) + 4), *to = fit;
	size_t length;

	if (!columns)
		return fit;
	for (; *text; text += length) {
		unsigned width = width_of(text, utf8, &length);

		if (filled + (width ? width : 1) > (cut ? columns - rest : columns))
			break;
		filled += width ? width : 1;
		if (width)
			memcpy(to, text, length);
		else
			*to = '?';
		to += width ? length : 1;
	}
	if (cut)
		strcpy(to, ellipsis);
	return fit;
}

char *text_curve(const uint64_t *values, size_t count, unsigned columns, bool utf8)
{
	static const char *const blocks[] = { "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84", "\xe2\x96\x85",
					      "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88" };
	static const char *const ascii[] = { "_", ".", ",", "-", "=", "+", "*", "#" };
	size_t shown = count < columns ? count : columns;
	char *curve = memory_zeroed(shown + 1, 3), *to = curve;
	uint64_t most = 1;

	for (size_t i = count - shown; i < count; i++)
		most = values[i] > most ? values[i] : most;
	for (size_t i = count - shown; i < count; i++) {
		unsigned level = (unsigned)((unsigned __int128)values[i] * 7 / most);

		level += !level && values[i]; /* a little is not nothing */
		to = stpcpy(to, (utf8 ? blocks : ascii)[level]);
	}
	return curve;
}

bool text_holds(const char *text, const char *part)
{
	return strcasestr(text, part) != NULL;
}
