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
#include "../../tools/symbols.h"
#include "../lib/build_segment.h"

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
	if (!rules && !error.text[0])
		abort(); /* a refusal without a reason */
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

/** The frames of a model whose functions have the texts' names, as far as there are any. */
static void apply(struct rules *rules, char *text)
{
	static struct model *model;
	struct options options;
	char *line;

	if (!model) {
		struct built built = build_seed();

		options_defaults(&options);
		options.lines = false;
		model = build_model(&built, 1, NULL);
		symbols_name_all(model, &options);
		build_free(&built);
	}
	for (size_t i = 0; i < model->frame_count; i++) {
		line = strsep(&text, "\n");
		model->frames[i].names->function = line;
		model->frames[i].names->file = line && *line == '/' ? line : NULL;
	}
	rules_apply(rules, model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t length = end ? (size_t)(end - data) : size;
	struct rules *rules = read_rules(data, length);
	char *text = strndup(end ? (const char *)end + 1 : "", end ? size - length - 1 : 0), *copy = strdup(text), *rest = text;
	char *line;

	while (rules && (line = strsep(&rest, "\n"))) {
		for (size_t i = 0; i < rules->count; i++)
			check(&rules->rules[i], line);
	}
	if (rules)
		apply(rules, copy);
	rules_free(rules);
	free(copy);
	free(text);
	return 0;
}
