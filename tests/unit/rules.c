// SPDX-License-Identifier: MIT

/* Rules of --ignore: substrings, LeakSanitizer's patterns, and what they match. */

#include "../../tools/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/tap.h"

static bool matches(const char *text, const char *against)
{
	bool leak = strncmp(text, "leak:", 5) == 0;
	struct rule rule = { .text = (char *)text, .pattern = text + (leak ? 5 : 0), .leak = leak };

	return rule_matches(&rule, against);
}

static void matches_patterns(void)
{
	const struct {
		const char *rule, *text;
		bool match;
	} cases[] = {
		{ "lib", "/usr/lib/x", true }, { "l*b", "/usr/lib/x", false }, { "l*b", "al*b", true },
		{ "leak:lib", "/usr/lib/x", true }, { "leak:^lib", "/usr/lib/x", false }, { "leak:^/usr", "/usr/lib/x", true },
		{ "leak:x$", "/usr/lib/x", true }, { "leak:lib$", "/usr/lib/x", false }, { "leak:l.b", "lib", false },
		{ "leak:foo$", "foofoo", true }, { "leak:^foo$", "foo", true }, { "leak:^foo$", "foobar", false },
		{ "leak:^f*o$", "foobaro", true }, { "leak:a*b*c", "xxaxxbxxcxx", true }, { "leak:a*b*c", "xxaxxcxxbxx", false },
		{ "leak:*", "", true }, { "leak:^*", "x", true }, { "leak:std::vector<*>::push", "std::vector<int>::push_back", true },
		{ "leak:^", "x", true }, { "leak:$", "x", true }, { "leak:^$", "x", false }, { "leak:^$", "", true },
		{ "leak:a*a*a*a*a*a*a*a*a*a*b$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(matches(cases[i].rule, cases[i].text) == cases[i].match, "'%s' %s '%s'", cases[i].rule,
		   cases[i].match ? "matches" : "does not match", cases[i].text);
	ok(!matches("x", NULL), "nothing matches what is not known");
}

/** LeakSanitizer's patterns as they are explained: try everything. */
static bool explained(const char *pattern, const char *text, bool anywhere)
{
	if (*pattern == '^' && anywhere)
		return explained(pattern + 1, text, false);
	if (anywhere && *text && explained(pattern, text + 1, true))
		return true;
	if (!*pattern || (pattern[0] == '$' && !pattern[1]))
		return !*pattern || !*text;
	if (*pattern == '*')
		return explained(pattern + 1, text, false) || (*text && explained(pattern, text + 1, false));
	return *pattern == *text && explained(pattern + 1, text + 1, false);
}

static void random_text(char *text, size_t size, const char *letters)
{
	size_t length = (size_t)rand() % size;

	for (size_t i = 0; i < length; i++)
		text[i] = letters[(size_t)rand() % strlen(letters)];
	text[length] = '\0';
}

static void matches_as_explained(void)
{
	unsigned wrong = 0, matched = 0;
	char rule[16] = "leak:", text[12];

	srand(1);
	for (unsigned i = 0; i < 200000; i++) {
		bool match;

		random_text(rule + 6, 7, "ab*");
		rule[5] = rand() % 3 ? 'a' : '^';
		if (rand() % 3 == 0)
			strcat(rule, "$");
		random_text(text, sizeof(text), "ab");
		match = matches(rule, text);
		matched += match;
		if (match != explained(rule + 5, text, true) && !wrong++)
			diag("'%s' on '%s'", rule, text);
	}
	is_int(wrong, 0, "random patterns mean what they should (%u match)", matched);
}

/** Each star could stand for anything: who tries all of that does not come back. */
static void matches_in_linear_time(void)
{
	size_t size = 1000000, stars = 2000;
	char *text = malloc(size + 1), *rule = malloc(2 * stars + 16);

	memset(text, 'a', size);
	text[size] = '\0';
	strcpy(rule, "leak:");
	for (size_t i = 0; i < stars; i++)
		memcpy(rule + 5 + 2 * i, "a*", 2);
	strcpy(rule + 5 + 2 * stars, "b$");
	ok(!matches(rule, text), "2,000 stars on a million letters do not match");
	strcpy(rule + 5 + 2 * stars, "a$");
	ok(matches(rule, text), "or do");
	strcpy(rule + 5 + 2 * stars, "b*a");
	ok(!matches(rule, text), "in the middle neither");
	free(text);
	free(rule);
}

static struct rules *read_text(const char *text)
{
	char path[] = "/tmp/rules.XXXXXX";
	int fd = mkstemp(path);
	struct error error = { "" };
	struct rules *rules;

	if (write(fd, text, strlen(text)) < 0)
		return NULL;
	close(fd);
	rules = rules_read(path, &error);
	unlink(path);
	return rules;
}

static void reads_files(void)
{
	struct rules *rules = read_text("# comment\n\n  plain one \r\n\tleak:^x*\n#leak:no\nleak:\nlast");
	struct error error;

	is_int(rules->count, 3, "comments, empty lines and empty patterns are no rules");
	is_str(rules->rules[0].pattern, "plain one", "white space is cut off, inner stays");
	ok(!rules->rules[0].leak, "a plain rule");
	is_str(rules->rules[1].pattern, "^x*", "a pattern");
	ok(rules->rules[1].leak, "is one");
	is_str(rules->rules[2].pattern, "last", "the last line needs no newline");
	rules_free(rules);
	ok(!rules_read("/nonexistent", &error), "a missing file is an error");
	has(error.text, "--ignore: /nonexistent can not be read: No such file", "that is said");
	ok(!rules_read("/tmp", &error), "a directory is an error");
	has(error.text, "Is a directory", "that is said");
}

static void marks_backtraces(void)
{
	struct module module = { .path = "/lib/libx.so" };
	struct frame_name names[2][2] = { { { .function = "inner", .file = "a.c", .inlined = true }, { .function = "outer" } },
					  { { .function = NULL } } };
	struct frame frames[2] = { { .names = names[0], .name_count = 2 }, { .module = &module, .names = names[1], .name_count = 1 } };
	struct frame *first[] = { &frames[0] }, *second[] = { &frames[1], &frames[0] };
	struct backtrace backtraces[] = { { .entry = HT_ENTRY_CALLOC, .depth = 1, .frames = first },
					  { .depth = 2, .frames = second }, { .depth = 0 } };
	struct model model = { .frames = frames, .frame_count = 2, .backtraces = backtraces, .backtrace_count = 3 };
	const char *const cases[][4] = {
		{ "inner", "1", "1", "0" }, { "outer", "1", "1", "0" }, { "a.c", "1", "1", "0" },
		{ "libx", "0", "1", "0" }, { "calloc", "1", "0", "0" }, { "nobody", "0", "0", "0" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rules *rules = read_text(cases[i][0]);

		rules_apply(rules, &model);
		for (size_t j = 0; j < 3; j++)
			is_int(backtraces[j].ignored, atoi(cases[i][j + 1]), "%s and backtrace %zu", cases[i][0], j);
		rules_free(rules);
	}
}

static void credits_one_rule(void)
{
	struct frame_name name = { .function = "inner" };
	struct frame frame = { .names = &name, .name_count = 1 };
	struct frame *frames[] = { &frame };
	struct backtrace backtrace = { .depth = 1, .frames = frames };
	struct model model = { .frames = &frame, .frame_count = 1, .backtraces = &backtrace, .backtrace_count = 1 };
	struct rules *rules = read_text("unused\ninn\nner\n");

	rules_apply(rules, &model);
	is_int(rules->rules[0].backtraces, 0, "a rule that matches nothing is unused");
	is_int(rules->rules[1].backtraces, 1, "the first one that matches is used");
	is_int(rules->rules[2].backtraces, 0, "the next is not");
	rules_free(rules);
}

int main(void)
{
	matches_patterns();
	matches_as_explained();
	matches_in_linear_time();
	reads_files();
	marks_backtraces();
	credits_one_rule();
	return tap_done();
}
