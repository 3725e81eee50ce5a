// SPDX-License-Identifier: MIT

/* Rules of --ignore: see rules.h. Each distinct frame is matched once, not once in every backtrace. */

#include "rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "report_common.h"
#include "snapshot_internal.h"

/** Cut white space off both ends. */
static char *trim(char *line)
{
	size_t length;

	line += strspn(line, " \t\r\n");
	length = strlen(line);
	while (length && strchr(" \t\r\n", line[length - 1]))
		line[--length] = '\0';
	return line;
}

static void add_rule(struct rules *rules, size_t *room, const char *text)
{
	struct rule *rule;

	rules->rules = memory_grow(rules->rules, rules->count, room, sizeof(*rules->rules));
	rule = &rules->rules[rules->count++];
	*rule = (struct rule) { .text = memory_copy_string(text) };
	rule->leak = strncmp(text, "leak:", 5) == 0;
	rule->pattern = rule->leak ? rule->text + 5 : rule->text;
}

static FILE *open_rules(const char *path, struct error *error)
{
	struct stat status;
	FILE *file = fopen(path, "re");

	if (file && fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
		fclose(file);
		file = NULL;
		errno = EISDIR;
	}
	if (!file)
		error_set(error, "--ignore: %s can not be read: %s; give a file with one rule a line", path,
			  strerror(errno));
	return file;
}

void rules_add_suppression(struct rules *rules, struct suppression *suppression)
{
	rules->suppressions = memory_grow(rules->suppressions, rules->suppression_count, &rules->suppression_room,
					  sizeof(*rules->suppressions));
	rules->suppressions[rules->suppression_count++] = *suppression;
	*suppression = (struct suppression) { 0 };
}

/** @return 0, or -1 with *error filled */
static int read_lines(struct rules *rules, FILE *file, const char *path, struct error *error)
{
	struct suppression_reader reader = { 0 };
	enum suppression_state state = SUPPRESSION_NONE;
	char *line = NULL;
	size_t size = 0, room = 0;
	int status = 0;

	while (state != SUPPRESSION_ERROR && getline(&line, &size, file) >= 0) {
		char *text = trim(line);

		state = suppression_read(&reader, text, error);
		if (state == SUPPRESSION_DONE)
			rules_add_suppression(rules, &reader.suppression);
		if (state == SUPPRESSION_NONE && *text && *text != '#' && strcmp(text, "leak:") != 0)
			add_rule(rules, &room, text);
	}
	if (ferror(file))
		status = error_set(error, "--ignore: %s can not be read: %s", path, strerror(errno));
	else if (state == SUPPRESSION_ERROR || suppression_finish(&reader, error))
		status = -1;
	suppression_free(&reader.suppression);
	free(line);
	return status;
}

struct rules *rules_read(const char *path, struct error *error)
{
	FILE *file = open_rules(path, error);
	struct rules *rules;

	if (!file)
		return NULL;
	rules = memory_zeroed(1, sizeof(*rules));
	if (read_lines(rules, file, path, error)) {
		rules_free(rules);
		rules = NULL;
	}
	fclose(file);
	return rules;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->count; i++)
		free(rules->rules[i].text);
	for (size_t i = 0; i < rules->suppression_count; i++)
		suppression_free(&rules->suppressions[i]);
	free(rules->suppressions);
	free(rules->rules);
	free(rules);
}

/**
 * The parts between the stars are looked for one after the other, each where it comes first: that leaves the most for the
 * others, so nothing has to be tried again, and the time is that of reading pattern and text.
 */
static bool leak_matches(const char *pattern, const char *text)
{
	const char *end = pattern + strlen(pattern), *text_end = text + strlen(text);
	bool bound = *pattern == '^', to_end = end > pattern && end[-1] == '$';

	pattern += bound;
	if (to_end && end > pattern)
		end--;
	for (;; bound = false) {
		const char *star = memchr(pattern, '*', (size_t)(end - pattern)), *part_end = star ? star : end;
		size_t length = (size_t)(part_end - pattern), left = (size_t)(text_end - text);

		if (!star && to_end)
			return bound ? left == length && !memcmp(text, pattern, length) :
				       left >= length && !memcmp(text_end - length, pattern, length);
		if (bound)
			text = left >= length && !memcmp(text, pattern, length) ? text : NULL;
		else
			text = memmem(text, left, pattern, length);
		if (!text || !star)
			return text != NULL;
		text += length;
		pattern = star + 1;
	}
}

bool rule_matches(const struct rule *rule, const char *text)
{
	if (!text)
		return false;
	return rule->leak ? leak_matches(rule->pattern, text) : strstr(text, rule->pattern) != NULL;
}

static bool matches_frame(const struct rule *rule, const struct frame *frame)
{
	if (frame->module && rule_matches(rule, frame->module->path))
		return true;
	for (unsigned i = 0; i < frame->name_count; i++) {
		if (rule_matches(rule, frame->names[i].function) || rule_matches(rule, frame->names[i].file))
			return true;
	}
	return false;
}

/** Number + 1 of the first rule that matches, 0 if none does. */
static uint32_t first_match(const struct rules *rules, const struct frame *frame)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (matches_frame(&rules->rules[i], frame))
			return (uint32_t)i + 1;
	}
	return 0;
}

static uint32_t first_match_entry(const struct rules *rules, enum ht_entry entry)
{
	for (size_t i = 0; i < rules->count; i++) {
		if (rule_matches(&rules->rules[i], entry_name(entry)))
			return (uint32_t)i + 1;
	}
	return 0;
}

void rules_apply_suppressions(struct rules *rules, struct model *model)
{
	struct stack_lines stack = { 0 };

	for (size_t i = 0; rules->suppression_count && i < model->backtrace_count; i++) {
		struct backtrace *backtrace = &model->backtraces[i];

		if (backtrace->ignored)
			continue;
		stack_lines_make(&stack, model, backtrace, true);
		for (size_t j = 0; j < rules->suppression_count && !backtrace->ignored; j++) {
			backtrace->ignored = suppression_matches(&rules->suppressions[j], &stack);
			rules->suppressions[j].backtraces += backtrace->ignored;
		}
	}
	free(stack.lines);
}

void rules_apply(struct rules *rules, struct model *model)
{
	uint32_t *matches = memory_zeroed(model->frame_count, sizeof(*matches));

	for (size_t i = 0; i < model->frame_count; i++)
		matches[i] = first_match(rules, &model->frames[i]);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		struct backtrace *backtrace = &model->backtraces[i];
		uint32_t found = first_match_entry(rules, backtrace->entry);

		for (unsigned j = 0; j < backtrace->depth; j++) {
			uint32_t match = matches[backtrace->frames[j] - model->frames];

			if (match && (!found || match < found))
				found = match;
		}
		backtrace->ignored = found != 0;
		if (found)
			rules->rules[found - 1].backtraces++;
	}
	free(matches);
	rules_apply_suppressions(rules, model);
}
