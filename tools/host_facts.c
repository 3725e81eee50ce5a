// SPDX-License-Identifier: MIT

/* The collector's knowledge as text: see host_facts.h. */

#include "host_facts.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "memory.h"

#define MAX_UNTRACED 100000

/** The numbers among the facts. */
static const struct number {
	const char *key;
	size_t offset;
} numbers[] = {
	{ "end_ns", offsetof(struct host_facts, end_ns) },
	{ "taken_ns", offsetof(struct host_facts, taken_ns) },
	{ "statm_size", offsetof(struct host_facts, statm.size) },
	{ "statm_resident", offsetof(struct host_facts, statm.resident) },
	{ "statm_shared", offsetof(struct host_facts, statm.shared) },
	{ "statm_ns", offsetof(struct host_facts, statm.ns) },
};

static void write_line(FILE *out, const char *key, const char *value)
{
	fprintf(out, "%s ", key);
	for (; *value; value++)
		fputc(*value == '\n' ? ' ' : *value, out);
	fputc('\n', out);
}

char *host_facts_write(const struct host_facts *facts, size_t *size)
{
	char *text = NULL, line[64];
	FILE *out = open_memstream(&text, size);

	if (!out)
		return memory_zeroed(1, 1);
	snprintf(line, sizeof(line), "%d", facts->pid);
	write_line(out, "pid", line);
	if (facts->ppid)
		fprintf(out, "ppid %d\n", facts->ppid);
	if (facts->how_it_ended[0])
		write_line(out, "how_it_ended", facts->how_it_ended);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const void *value = (const char *)facts + numbers[i].offset;

		fprintf(out, "%s %" PRIu64 "\n", numbers[i].key, *(const uint64_t *)value);
	}
	for (size_t i = 0; i < facts->untraced_count; i++) {
		fprintf(out, "untraced %d ", facts->untraced[i].pid);
		write_line(out, "", facts->untraced[i].reason ? facts->untraced[i].reason : "");
	}
	if (fclose(out))
		abort(); /* memory streams fail for want of memory only */
	return text;
}

static void add_untraced(struct host_facts *facts, int pid, const char *reason)
{
	size_t i = facts->untraced_count;

	if (i >= MAX_UNTRACED)
		return;
	facts->untraced = memory_resize(facts->untraced, i + 1, sizeof(*facts->untraced));
	facts->untraced[i].pid = pid;
	facts->untraced[i].reason = memory_copy_string(reason);
	facts->untraced_count++;
}

/** Whether the whole of `text` is a decimal number. */
static bool parse_number(const char *text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*value = strtoull(text, &end, 10);
	return !*end;
}

static bool read_untraced(struct host_facts *facts, char *value)
{
	char *space = strchr(value, ' ');
	uint64_t pid;

	if (!space)
		return false;
	*space++ = '\0';
	if (!parse_number(value, &pid) || pid > INT32_MAX)
		return false;
	while (*space == ' ')
		space++;
	add_untraced(facts, (int)pid, space);
	return true;
}

static bool read_fact(struct host_facts *facts, const char *key, char *value)
{
	uint64_t number;

	if (!strcmp(key, "how_it_ended")) {
		snprintf(facts->how_it_ended, sizeof(facts->how_it_ended), "%.31s", value);
		return strlen(value) < sizeof(facts->how_it_ended);
	}
	if (!strcmp(key, "untraced"))
		return read_untraced(facts, value);
	if (!parse_number(value, &number))
		return false;
	if (!strcmp(key, "pid")) {
		facts->pid = number <= INT32_MAX ? (int)number : 0;
		return number <= INT32_MAX;
	}
	if (!strcmp(key, "ppid")) {
		facts->ppid = number <= INT32_MAX ? (int)number : 0;
		return number <= INT32_MAX;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!strcmp(key, numbers[i].key)) {
			void *field = (char *)facts + numbers[i].offset;

			*(uint64_t *)field = number;
			return true;
		}
	}
	return true;
}

size_t host_facts_read(struct host_facts *facts, const char *text, size_t size)
{
	char *copy = memory_copy_bytes(text, size), *rest = copy, *line;
	size_t bad = 0;

	*facts = (struct host_facts) { 0 };
	while ((line = strsep(&rest, "\n"))) {
		char *space = strchr(line, ' ');

		if (!*line)
			continue;
		if (space)
			*space = '\0';
		if (!space || !read_fact(facts, line, space + 1))
			bad++;
	}
	free(copy);
	return bad;
}

void host_facts_copy(struct host_facts *to, const struct host_facts *from)
{
	*to = *from;
	to->history = NULL;
	to->untraced = NULL;
	to->untraced_count = 0;
	for (size_t i = 0; i < from->untraced_count; i++)
		add_untraced(to, from->untraced[i].pid, from->untraced[i].reason ? from->untraced[i].reason : "");
}

void host_facts_free(struct host_facts *facts)
{
	for (size_t i = 0; i < facts->untraced_count; i++)
		free(facts->untraced[i].reason);
	free(facts->untraced);
	history_free(facts->history);
	facts->history = NULL;
	facts->untraced = NULL;
	facts->untraced_count = 0;
}
