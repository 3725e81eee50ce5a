// SPDX-License-Identifier: MIT

/* Suppressions in valgrind's syntax: see rules_valgrind.h. */

#include "rules_valgrind.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "snapshot_internal.h"
#include "symbols.h"

static const char *after(const char *line, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(line, word, length) != 0)
		return NULL;
	return line + length + strspn(line + length, " \t");
}

/** "Memcheck:Leak", with other tools in the list perhaps. */
static bool is_leak_kind(const char *line)
{
	const char *colon = strchr(line, ':'), *tool = line;

	if (!colon || strcmp(colon + 1, "Leak") != 0)
		return false;
	for (;;) {
		size_t length = strcspn(tool, ",:");

		if (length == strlen("Memcheck") && !strncmp(tool, "Memcheck", length))
			return true;
		if (tool + length >= colon)
			return false;
		tool += length + 1;
	}
}

/** Frames have people's names, suppressions have the linker's. With wildcards only those of operator new can be told. */
static char *readable_function(const char *pattern)
{
	if (!strncmp(pattern, "_Znw", 4) && strpbrk(pattern, "*?"))
		return memory_copy_string("operator new(*");
	if (!strncmp(pattern, "_Zna", 4) && strpbrk(pattern, "*?"))
		return memory_copy_string("operator new[](*");
	if (!strncmp(pattern, "_Z", 2) && !strpbrk(pattern, "*?"))
		return demangle(pattern);
	return memory_copy_string(pattern);
}

static bool read_caller(struct suppression *suppression, const char *line)
{
	const char *function = after(line, "fun:"), *object = after(line, "obj:"), *source = after(line, "src:");
	struct caller caller = { CALLER_ANY, NULL };

	if (function)
		caller = (struct caller) { CALLER_FUNCTION, readable_function(function) };
	else if (object)
		caller = (struct caller) { CALLER_OBJECT, memory_copy_string(object) };
	else if (source)
		caller = (struct caller) { CALLER_SOURCE, memory_copy_string(source) };
	else if (strcmp(line, "...") != 0)
		return false;
	suppression->callers = memory_grow(suppression->callers, suppression->count, &suppression->room,
					   sizeof(*suppression->callers));
	suppression->callers[suppression->count++] = caller;
	return true;
}

void suppression_free(struct suppression *suppression)
{
	for (size_t i = 0; i < suppression->count; i++)
		free(suppression->callers[i].pattern);
	free(suppression->callers);
	free(suppression->name);
	*suppression = (struct suppression) { 0 };
}

static enum suppression_state finish_one(struct suppression_reader *reader, struct error *error)
{
	bool keep = !reader->other && reader->suppression.count;

	if (reader->read < 3) {
		error_set(error, "--ignore: the suppression in line %u has no name or no kind; write {, name, Memcheck:Leak, "
			  "callers, }", reader->first);
		return SUPPRESSION_ERROR;
	}
	reader->read = 0;
	if (keep)
		return SUPPRESSION_DONE;
	suppression_free(&reader->suppression);
	return SUPPRESSION_MORE;
}

static enum suppression_state read_inside(struct suppression_reader *reader, const char *line, struct error *error)
{
	reader->read++;
	if (reader->read == 2) {
		reader->suppression.name = memory_copy_string(line);
	} else if (reader->read == 3) {
		reader->other = !is_leak_kind(line);
	} else if (!reader->other && !after(line, "match-leak-kinds:") && !read_caller(&reader->suppression, line)) {
		error_set(error, "--ignore: line %u is in a suppression, but is no caller; use fun:, obj:, src: or ...",
			  reader->line);
		return SUPPRESSION_ERROR;
	}
	return SUPPRESSION_MORE;
}

enum suppression_state suppression_read(struct suppression_reader *reader, const char *line, struct error *error)
{
	reader->line++;
	if (!reader->read) {
		if (strcmp(line, "{") != 0)
			return SUPPRESSION_NONE;
		reader->suppression = (struct suppression) { 0 };
		reader->first = reader->line;
		reader->read = 1;
		reader->other = false;
		return SUPPRESSION_MORE;
	}
	if (!*line || *line == '#')
		return SUPPRESSION_MORE;
	return strcmp(line, "}") == 0 ? finish_one(reader, error) : read_inside(reader, line, error);
}

int suppression_finish(struct suppression_reader *reader, struct error *error)
{
	if (!reader->read)
		return 0;
	return error_set(error, "--ignore: the suppression that begins in line %u has no end; close it with }", reader->first);
}

static bool glob(const char *pattern, const char *text)
{
	const char *star = NULL, *again = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			again = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/** "file.c" or "file.c:12", with directories or without. */
static bool source_matches(const char *pattern, const struct stack_line *line)
{
	const char *slash = line->file ? strrchr(line->file, '/') : NULL;
	char *place;
	bool matches;

	if (!line->file)
		return false;
	place = memory_format("%s:%u", line->file, line->line);
	matches = glob(pattern, line->file) || glob(pattern, place) ||
		  (slash && (glob(pattern, slash + 1) || glob(pattern, place + (slash + 1 - line->file))));
	free(place);
	return matches;
}

static bool caller_matches(const struct caller *caller, const struct stack_line *line)
{
	switch (caller->kind) {
	case CALLER_FUNCTION:
		return line->function ? glob(caller->pattern, line->function) : !strcmp(caller->pattern, "*");
	case CALLER_OBJECT:
		return line->module ? glob(caller->pattern, line->module->path) : !strcmp(caller->pattern, "*");
	case CALLER_SOURCE:
		return source_matches(caller->pattern, line);
	default:
		return true;
	}
}

bool suppression_matches(const struct suppression *suppression, const struct stack_lines *stack)
{
	size_t caller = 0, line = 0, again = 0, resume = SIZE_MAX;

	while (caller < suppression->count) {
		if (suppression->callers[caller].kind == CALLER_ANY) {
			resume = ++caller;
			again = line;
		} else if (line < stack->count && caller_matches(&suppression->callers[caller], &stack->lines[line])) {
			caller++;
			line++;
		} else if (resume != SIZE_MAX && again < stack->count) {
			caller = resume;
			line = ++again;
		} else {
			return false;
		}
	}
	return true;
}
