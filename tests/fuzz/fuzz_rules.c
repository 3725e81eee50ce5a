// SPDX-License-Identifier: MIT

/* libFuzzer entry: a file of ignore rules, and behind a NUL the texts that they are held against, one a line. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rules *read_rules(const uint8_t *data, size_t size)
{
	int fd = memfd_create("rules", MFD_CLOEXEC);
	struct error error = { "" };
	struct rules *rules;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rules = rules_read(path, &error);
	close(fd);
	return rules;
}

/** A rule without anything special in it is a substring, whichever kind it is. */
static void check(const struct rule *rule, const char *text)
{
	bool matches = rule_matches(rule, text), found = strstr(text, rule->pattern) != NULL;

	if (!*rule->pattern)
		abort(); /* a rule that matches everything */
	if ((!rule->leak || !strpbrk(rule->pattern, "*^$")) && matches != found)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t length = end ? (size_t)(end - data) : size;
	struct rules *rules = read_rules(data, length);
	char *text = strndup(end ? (const char *)end + 1 : "", end ? size - length - 1 : 0), *rest = text, *line;

	if (!rules)
		abort();
	while ((line = strsep(&rest, "\n"))) {
		for (size_t i = 0; i < rules->count; i++)
			check(&rules->rules[i], line);
	}
	rules_free(rules);
	free(text);
	return 0;
}
