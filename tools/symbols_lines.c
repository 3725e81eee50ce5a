// SPDX-License-Identifier: MIT

/*
 * Lines and inlined functions: see symbols_lines.h. With -i the number of lines of an answer varies; -a puts the address
 * in front of each, and that is how answers are told apart. Answers must come in the order of the questions.
 */

#include "symbols_lines.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "memory.h"
#include "paths.h"
#include "symbols_elf.h"
#include "symbols_linetable.h"

#define IDLE_SECONDS 60
#define TOTAL_SECONDS 900
#define LONGEST_LINE (1u << 20)
#define MOST_LINES 1000 /* of one address */

/** The conversation with one tool. */
struct talk {
	const char *name;
	struct place *places;
	size_t count, answered; /* answers begun */
	char *text;             /* an incomplete line */
	size_t filled, room;
	char *function;         /* the first half of a pair */
	bool nonsense, progress;
	size_t places_room;     /* of the current answer's lines */
};

const char *lines_tool(const struct options *options)
{
	return base_name(options->addr2line && *options->addr2line ? options->addr2line : "addr2line");
}

void place_clear(struct place *place)
{
	for (size_t i = 0; i < place->count; i++) {
		free(place->lines[i].function);
		free(place->lines[i].file);
	}
	free(place->lines);
	place->lines = NULL;
	place->count = 0;
}

/** Whether a line is the one that begins the answer to a question: its address, with or without leading zeros. */
static bool is_header(const char *line, uint64_t *address)
{
	char *end;

	if (line[0] != '0' || line[1] != 'x' || !isxdigit((unsigned char)line[2]))
		return false;
	*address = strtoull(line + 2, &end, 16);
	return !*end || !strcmp(end, ":");
}

/** "file:12", "file:12 (discriminator 3)", "file:?", "??:0", "file:12:5". */
static void read_file_line(const char *text, struct line *line)
{
	const char *end = strstr(text, " (discriminator"), *colon;
	char *copy = memory_copy_bytes(text, end ? (size_t)(end - text) : strlen(text));
	unsigned long numbers[2] = { 0, 0 };
	size_t found = 0;

	while (found < 2 && (colon = strrchr(copy, ':'))) {
		size_t digits = strspn(colon + 1, "0123456789");

		if (colon[1 + digits] && strcmp(colon + 1, "?") != 0)
			break;
		if (!digits && strcmp(colon + 1, "?") != 0)
			break;
		numbers[found++] = strtoul(colon + 1, NULL, 10);
		copy[colon - copy] = '\0';
	}
	line->line = found && numbers[found - 1] <= UINT32_MAX ? (unsigned)numbers[found - 1] : 0;
	line->file = *copy && *copy != '?' ? memory_copy_string(copy) : NULL;
	free(copy);
}

static void add_line(struct talk *talk, const char *text)
{
	struct place *place = &talk->places[talk->answered - 1];
	const char *inlined = strstr(talk->function, " inlined at ");
	struct line *line;

	if (place->count >= MOST_LINES)
		return;
	place->lines = memory_grow(place->lines, place->count, &talk->places_room, sizeof(*place->lines));
	line = &place->lines[place->count++];
	*line = (struct line) { .function = NULL };
	if (inlined)
		talk->function[inlined - talk->function] = '\0';
	if (talk->function[0] && talk->function[0] != '?')
		line->function = memory_copy_string(talk->function);
	read_file_line(text, line);
}

/** @return false if this can not be an answer */
static bool take_line(struct talk *talk, char *line)
{
	uint64_t address;

	if (!talk->function && is_header(line, &address)) {
		if (talk->answered == talk->count || address != talk->places[talk->answered].address)
			return false;
		talk->answered++;
		talk->places_room = 0;
		return true;
	}
	if (!*line)
		return true;
	if (!talk->answered)
		return false;
	if (!talk->function) {
		talk->function = memory_copy_string(line);
		return true;
	}
	add_line(talk, line);
	free(talk->function);
	talk->function = NULL;
	return true;
}

static bool take(void *context, const char *bytes, size_t size)
{
	struct talk *talk = context;

	for (size_t i = 0; i < size; i++) {
		talk->text = memory_grow(talk->text, talk->filled, &talk->room, 1);
		if (bytes[i] != '\n') {
			talk->text[talk->filled++] = bytes[i];
			talk->nonsense |= talk->filled > LONGEST_LINE || !bytes[i];
			if (talk->nonsense)
				return false;
			continue;
		}
		talk->text[talk->filled] = '\0';
		talk->filled = 0;
		if (!take_line(talk, talk->text)) {
			talk->nonsense = true;
			return false;
		}
	}
	return true;
}

static void show_progress(void *context)
{
	struct talk *talk = context;

	fprintf(stderr, "\r[heaptrace] finding lines of %.40s: %zu of %zu\033[K", talk->name, talk->answered, talk->count);
	fflush(stderr);
	talk->progress = true;
}

static char *questions(const struct place *places, size_t count, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	for (size_t i = 0; out && i < count; i++)
		fprintf(out, "0x%" PRIx64 "\n", places[i].address);
	if (!out || fclose(out))
		*size = 0;
	return text;
}

/** Say once for each way to fail what happened and what it means. */
static void complain(enum child_end end, const char *tool, const char *name)
{
	static bool said[CHILD_STOPPED + 1];

	if (said[end])
		return;
	said[end] = true;
	if (end == CHILD_NOT_FOUND)
		fprintf(stderr, "[heaptrace] %s was not found, so names have no lines; install binutils, or give another tool with "
			"--addr2line\n", tool);
	else
		fprintf(stderr, "[heaptrace] %s %s on %s, so some names have no lines; try --addr2line=llvm-symbolizer or "
			"--no-lines\n", tool, child_end_text(end), name);
}

static unsigned idle_seconds(void)
{
	const char *text = getenv("HEAPTRACE_ADDR2LINE_SECONDS");

	return text && atoi(text) > 0 ? (unsigned)atoi(text) : IDLE_SECONDS;
}

/**
 * Part of the DWARF may be in a file that several share (dwz), named by an absolute path. addr2line, as of 2.40, puts the
 * directory of its own argument in front of that: it finds the file only if its argument has none.
 *
 * @return the directory to be in, to be freed, with *file cut to the rest; or NULL: it does not matter
 */
static char *directory_for(const char **file)
{
	struct elf_file *elf = elf_file_open(*file);
	const char *slash = strrchr(*file, '/');
	size_t size = 0;

	if (elf)
		elf_file_section(elf, ".gnu_debugaltlink", &size);
	elf_file_close(elf);
	if (!size || !slash)
		return NULL;
	char *directory = slash == *file ? memory_copy_string("/") : memory_copy_bytes(*file, (size_t)(slash - *file));
	*file = slash + 1;
	return directory;
}

/** A tool that is named relative to the current directory, by its absolute path. To be freed. */
static char *absolute_tool(const char *tool)
{
	char *here = *tool != '/' && strchr(tool, '/') ? getcwd(NULL, 0) : NULL;
	char *path = here ? memory_format("%s/%s", here, tool) : memory_copy_string(tool);

	free(here);
	return path;
}

static enum child_end ask(struct talk *talk, const char *file, const struct options *options)
{
	char *tool = absolute_tool(options->addr2line && *options->addr2line ? options->addr2line : "addr2line");
	char *directory = directory_for(&file);
	bool llvm = strstr(lines_tool(options), "llvm-symbolizer") != NULL;
	char *plain[] = { tool, "-a", "-f", "-i", "-e", (char *)file, NULL };
	char *gnu[] = { tool, "--output-style=GNU", "--no-demangle", "-a", "-f", "-i", "-e", (char *)file, NULL };
	struct child_job job = { .argv = llvm ? gnu : plain, .directory = directory, .take = take, .context = talk,
				 .idle_seconds = idle_seconds(), .total_seconds = TOTAL_SECONDS };
	char *text = questions(talk->places, talk->count, &job.input_size);
	enum child_end end;

	if (isatty(STDERR_FILENO) && !options->quiet)
		job.tick = show_progress;
	job.input = text;
	end = child_run(&job);
	free(text);
	free(directory);
	free(tool);
	return end;
}

static int compare_rows(const void *left, const void *right)
{
	const struct linetable_row *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

/** Put the right file into the innermost line of a place: outer ones do not come from the line table. */
static void mend_file(struct place *place, const struct linetable_row *row)
{
	struct line *line = place->count ? &place->lines[0] : NULL;

	if (!line || !line->file || !row->file || line->line != row->line || !strcmp(base_name(line->file), base_name(row->file)))
		return;
	free(line->file);
	line->file = memory_copy_string(row->file);
}

/** Check the files of answers, which addr2line gets wrong in DWARF 5 at the beginning of a sequence. */
static void mend_files(const char *path, struct place *places, size_t count)
{
	struct elf_file *file = count ? elf_file_open(path) : NULL;
	struct linetable_row *rows = memory_zeroed(count + 1, sizeof(*rows));

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct linetable_row) { .address = places[i].address, .place = &places[i] };
	qsort(rows, count, sizeof(*rows), compare_rows);
	if (file)
		linetable_find(file, rows, count);
	elf_file_close(file);
	for (size_t i = 0; i < count; i++) {
		mend_file(rows[i].place, &rows[i]);
		free(rows[i].file);
	}
	free(rows);
}

static bool hung; /* so would it on the next file, most likely, and each time costs a minute */

size_t lines_find(const char *file, const char *name, struct place *places, size_t count, const struct options *options)
{
	struct talk talk = { .name = name, .places = places, .count = count };
	enum child_end end;

	if (hung)
		return 0;
	end = ask(&talk, file, options);
	hung = end == CHILD_HUNG;
	if (talk.progress)
		fputs("\r\033[K", stderr);
	if (talk.nonsense || (end == CHILD_DONE && talk.answered < count))
		end = CHILD_STOPPED;
	if (end != CHILD_DONE) {
		complain(end, lines_tool(options), name);
		/* The last answer may be half of one. */
		if (talk.answered)
			place_clear(&places[--talk.answered]);
	}
	free(talk.function);
	free(talk.text);
	mend_files(file, places, talk.answered);
	return talk.answered;
}

void lines_forget(void)
{
	hung = false;
}
