// SPDX-License-Identifier: MIT

/* Times as people give them: see times.h. */

#include "times.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NS (UINT64_C(100) * 365 * 24 * 3600 * 1000000000u) /* a hundred years */

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "min", UINT64_C(60) * 1000000000 },
	{ "h", UINT64_C(3600) * 1000000000 },
};

/** Thousandths of what a decimal number says; digits behind the third are cut. *end: behind it. */
static int read_thousandths(const char *text, uint64_t *thousandths, const char **end)
{
	char *behind;
	unsigned place = 100;

	errno = 0;
	*thousandths = strtoull(text, &behind, 10);
	if (!isdigit((unsigned char)*text) || errno || __builtin_mul_overflow(*thousandths, 1000, thousandths))
		return -1;
	if (*behind == '.') {
		if (!isdigit((unsigned char)*++behind))
			return -1;
		for (; isdigit((unsigned char)*behind); behind++, place /= 10) {
			if (__builtin_add_overflow(*thousandths, (unsigned)(*behind - '0') * place, thousandths))
				return -1;
		}
	}
	*end = behind;
	return 0;
}

int time_read(const char *text, uint64_t *ns)
{
	const char *unit;
	uint64_t thousandths;

	if (read_thousandths(text, &thousandths, &unit))
		return -1;
	*ns = 0;
	if (!*unit && !thousandths)
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(units[i].name, unit) == 0)
			return __builtin_mul_overflow(thousandths, units[i].ns / 1000, ns) || *ns > MOST_NS ? -1 : 0;
	}
	return -1;
}

int time_read_window(const char *text, uint64_t *from, uint64_t *to)
{
	char start[64];
	const char *dots = strstr(text, "..");

	if (!dots || (size_t)(dots - text) >= sizeof(start))
		return -1;
	memcpy(start, text, (size_t)(dots - text));
	start[dots - text] = '\0';
	*from = *to = TIME_OPEN;
	if ((*start && time_read(start, from)) || (dots[2] && time_read(dots + 2, to)))
		return -1;
	return *from != TIME_OPEN && *to != TIME_OPEN && *from >= *to ? -1 : 0;
}
