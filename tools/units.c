// SPDX-License-Identifier: MIT

/* Sizes and ages as people read them: see units.h. Integers only: a double would lose the last digits. */

#include "units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

/** Thousandths of a unit in a value, rounded half up. `unit` is a multiple of 1,000. */
static uint64_t thousandths(uint64_t value, uint64_t unit)
{
	uint64_t step = unit / 1000;

	return value / step + (value % step * 2 >= step && step > 1);
}

static struct units_text decimal(uint64_t value, uint64_t unit, const char *name)
{
	uint64_t parts = thousandths(value, unit);
	struct units_text text;

	snprintf(text.text, sizeof(text.text), "%" PRIu64 ".%03u %s", parts / 1000, (unsigned)(parts % 1000), name);
	return text;
}

struct units_text units_bytes(uint64_t bytes)
{
	static const char *const names[] = { "KB", "MB", "GB", "TB" };
	struct units_text text;
	uint64_t unit = 1000;
	size_t i = 0;

	if (bytes < 1000) {
		snprintf(text.text, sizeof(text.text), "%" PRIu64 " bytes", bytes);
		return text;
	}
	for (; i < 3 && thousandths(bytes, unit) >= 1000000; i++)
		unit *= 1000;
	return decimal(bytes, unit, names[i]);
}

struct units_text units_age(uint64_t ns)
{
	const uint64_t us = 1000, ms = 1000000, second = 1000000000;
	struct units_text text;
	uint64_t seconds = ns / second;

	if (ns < us)
		snprintf(text.text, sizeof(text.text), "%" PRIu64 " ns", ns);
	else if (thousandths(ns, us) < 1000000)
		return decimal(ns, us, "us");
	else if (thousandths(ns, ms) < 1000000)
		return decimal(ns, ms, "ms");
	else if (thousandths(ns, second) < 60000)
		return decimal(ns, second, "secs");
	else if (seconds < 60)
		snprintf(text.text, sizeof(text.text), "1 mins 0 secs");
	else if (seconds < 3600)
		snprintf(text.text, sizeof(text.text), "%" PRIu64 " mins %" PRIu64 " secs", seconds / 60, seconds % 60);
	else
		snprintf(text.text, sizeof(text.text), "%" PRIu64 " hours %" PRIu64 " mins", seconds / 3600,
			 seconds / 60 % 60);
	return text;
}

struct units_text units_share(uint64_t part, uint64_t whole)
{
	struct units_text text;

	snprintf(text.text, sizeof(text.text), "%.1f%%", whole ? (double)part * 100 / (double)whole : 0.0);
	return text;
}
