// SPDX-License-Identifier: MIT

/* A backtrace in one line: see top_label.h. */

#include "top_label.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "allocators.h"
#include "memory.h"

/** Bytes of the operator's own characters behind "operator", as in "operator<<", "operator()", "operator->". */
static size_t operator_length(const char *text, const char *start)
{
	static const char word[] = "operator";
	size_t length = sizeof(word) - 1, more;

	if (strncmp(text, word, length) || (text > start && (isalnum((unsigned char)text[-1]) || text[-1] == '_')))
		return 0;
	if (!strncmp(text + length, "()", 2))
		return length + 2;
	more = strspn(text + length, "<>=-+*/%&|^~!,");
	return more ? length + more : 0;
}

/** Behind the bracket that closes the one at `text`, or its end. */
static const char *skip_brackets(const char *text, char open, char close)
{
	unsigned depth = 0;

	for (; *text; text++) {
		depth += *text == open;
		if (*text == close && text[-1] != '-' && --depth == 0)
			return text + 1;
	}
	return text;
}

char *label_short(const char *function)
{
	static const char anonymous[] = "(anonymous namespace)";
	char *label = memory_zeroed(1, strlen(function) + 2), *to = label; /* a "<" at the end becomes "<>" */

	for (const char *from = function; *from;) {
		size_t operator_size = operator_length(from, function);

		if (operator_size) {
			memcpy(to, from, operator_size);
			to += operator_size;
			from += operator_size;
		} else if (*from == '<' && from > function) {
			from = skip_brackets(from, '<', '>');
			*to++ = '<';
			*to++ = '>';
		} else if (!strncmp(from, anonymous, sizeof(anonymous) - 1)) {
			to = stpcpy(to, "(anon)");
			from += sizeof(anonymous) - 1;
		} else if (*from == '(' && from > function) {
			from = skip_brackets(from, '(', ')');
			if (strncmp(from, "::", 2)) /* a local class of that function goes on */
				break;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return label;
}

/** What called main() or a thread's function says nothing. */
static bool is_below_all(const char *function)
{
	return !strncmp(function, "__libc_start_", 13) || !strcmp(function, "_start") || !strcmp(function, "start_thread") ||
	       !strcmp(function, "clone") || !strcmp(function, "clone3") || !strcmp(function, "__clone3");
}

char *label_make(const char *const *functions, size_t count, size_t enough)
{
	size_t first = 0, again;
	char *label = memory_copy_string("");

	while (first + 1 < count && is_allocator_function(functions[first]))
		first++;
	for (size_t i = first; i < count && strlen(label) < enough && !(i > first && is_below_all(functions[i])); i += again) {
		char *name = label_short(functions[i]), *longer;

		for (again = 1; i + again < count && !strcmp(functions[i], functions[i + again]);)
			again++;
		if (again > 1)
			longer = memory_format("%s%s%s x%zu", label, i > first ? " < " : "", name, again);
		else
			longer = memory_format("%s%s%s", label, i > first ? " < " : "", name);
		free(name);
		free(label);
		label = longer;
	}
	return label;
}
