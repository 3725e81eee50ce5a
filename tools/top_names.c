// SPDX-License-Identifier: MIT

/*
 * Names of frames: see top_names.h. Lines are found in a child, because addr2line may take long; it asks as every
 * report does and writes down what it got:
 *
 *	struct line_head { address, module, count }, then `count` times { struct line_name, function NUL, file NUL }
 */

#include "top_names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "allocators.h"
#include "memory.h"
#include "paths.h"
#include "report_common.h"
#include "symbols.h"
#include "top_label.h"
#include "top_text.h"

struct top_names {
	pthread_mutex_t lock;
	struct table known;       /* [lock] (address, module's number) to index in `named` + 1 */
	struct top_name **named;  /* [lock] */
	size_t count, room;       /* [lock] */
	struct strings strings;   /* of lines; the adding thread's */
};

struct line_head {
	uint64_t address;
	uint32_t module, count;
};

struct line_name {
	uint64_t offset;
	uint32_t line;
	uint8_t has_function, has_file, inlined, pad;
};

struct top_names *top_names_new(void)
{
	struct top_names *names = memory_zeroed(1, sizeof(*names));

	pthread_mutex_init(&names->lock, NULL);
	return names;
}

void top_names_free(struct top_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->count; i++) {
		free((void *)names->named[i]->names);
		free(names->named[i]);
	}
	free(names->named);
	table_free(&names->known);
	strings_free(&names->strings);
	pthread_mutex_destroy(&names->lock);
	free(names);
}

static uint32_t module_number(const struct frame *frame)
{
	return frame->module ? frame->module->number : 0;
}

const struct top_name *top_names_find(struct top_names *names, const struct frame *frame)
{
	const struct top_name *name = NULL;
	const uint32_t *index;

	pthread_mutex_lock(&names->lock);
	index = table_find(&names->known, frame->address, module_number(frame));
	if (index && *index)
		name = names->named[*index - 1];
	pthread_mutex_unlock(&names->lock);
	return name;
}

/** Names found later take the place of earlier ones, which stay for whoever reads them. */
static void put(struct top_names *names, uint64_t address, uint32_t module, struct frame_name *list, unsigned count, bool lines)
{
	struct top_name *name = memory_zeroed(1, sizeof(*name));
	bool fresh;

	*name = (struct top_name) { list, count, lines };
	pthread_mutex_lock(&names->lock);
	names->named = memory_grow(names->named, names->count, &names->room, sizeof(*names->named));
	names->named[names->count++] = name;
	*table_at(&names->known, address, module, &fresh) = (uint32_t)names->count;
	pthread_mutex_unlock(&names->lock);
}

size_t top_names_add(struct top_names *names, struct model *model, const struct top_row *const *rows, size_t count,
		     size_t most, const struct options *options)
{
	struct frame **wanted = memory_zeroed(most, sizeof(*wanted));
	bool *seen = memory_zeroed(model->frame_count + 1, sizeof(*seen));
	struct options functions = *options;
	size_t all = 0;

	functions.lines = functions.inlines = false;
	for (size_t i = 0; i < count && all < most; i++) {
		const struct backtrace *backtrace = rows[i]->backtrace;

		for (unsigned j = 0; j < backtrace->depth && all < most; j++) {
			struct frame *frame = backtrace->frames[j];

			if (!seen[frame - model->frames] && !top_names_find(names, frame))
				wanted[all++] = frame;
			seen[frame - model->frames] = true;
		}
	}
	if (all)
		symbols_name(model, wanted, all, &functions);
	for (size_t i = 0; i < all; i++) {
		put(names, wanted[i]->address, module_number(wanted[i]), wanted[i]->names, wanted[i]->name_count, false);
		wanted[i]->names = NULL;
		wanted[i]->name_count = 0;
	}
	free(seen);
	free(wanted);
	return all;
}

static void write_frame(FILE *out, const struct frame *frame)
{
	struct line_head head = { frame->address, module_number(frame), frame->name_count };

	fwrite(&head, sizeof(head), 1, out);
	for (unsigned i = 0; i < frame->name_count; i++) {
		const struct frame_name *name = &frame->names[i];
		struct line_name line = {
			.offset = name->offset, .line = name->line, .has_function = name->function != NULL,
			.has_file = name->file != NULL, .inlined = name->inlined,
		};

		fwrite(&line, sizeof(line), 1, out);
		fputs(name->function ? name->function : "", out);
		fputc(0, out);
		fputs(name->file ? name->file : "", out);
		fputc(0, out);
	}
}

/** In the child. */
__attribute__((noreturn))
static void find_lines(struct model *model, struct frame **frames, size_t count, const struct options *options, int to,
		       pid_t parent)
{
	struct options all = *options;
	FILE *out = fdopen(to, "w");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || !out)
		_exit(1);
	symbols_name(model, frames, count, &all);
	for (size_t i = 0; i < count; i++)
		write_frame(out, frames[i]);
	_exit(fflush(out) ? 1 : 0);
}

int top_names_ask_lines(struct top_names *names, struct model *model, const struct backtrace *backtrace,
			const struct options *options, pid_t *child)
{
	struct frame *frames[HT_MAX_DEPTH];
	pid_t parent = getpid();
	size_t count = 0;
	int ends[2];

	for (unsigned i = 0; i < backtrace->depth && i < HT_MAX_DEPTH && options->lines; i++) {
		const struct top_name *known = top_names_find(names, backtrace->frames[i]);

		if (!known || !known->lines)
			frames[count++] = backtrace->frames[i];
	}
	if (!count || pipe2(ends, O_CLOEXEC))
		return -1;
	*child = fork();
	if (*child == 0)
		find_lines(model, frames, count, options, ends[1], parent);
	close(ends[1]);
	if (*child > 0)
		return ends[0];
	close(ends[0]);
	return -1;
}

/** One NUL-terminated string; false at the end of the file. */
static bool read_string(FILE *in, char **text, size_t *room)
{
	return getdelim(text, room, '\0', in) > 0 && !feof(in);
}

static bool take_frame(struct top_names *names, FILE *in, const struct line_head *head)
{
	struct frame_name *list = memory_zeroed(head->count + 1, sizeof(*list));
	char *text = NULL;
	size_t room = 0;
	bool good = head->count > 0;

	for (uint32_t i = 0; i < head->count && good; i++) {
		struct line_name line;

		good = fread(&line, sizeof(line), 1, in) == 1 && read_string(in, &text, &room);
		if (good && line.has_function)
			list[i].function = strings_keep(&names->strings, text);
		good = good && read_string(in, &text, &room);
		if (good && line.has_file)
			list[i].file = strings_keep(&names->strings, text);
		list[i].offset = line.offset;
		list[i].line = line.line;
		list[i].inlined = line.inlined;
	}
	free(text);
	if (good)
		put(names, head->address, head->module, list, head->count, true);
	else
		free(list);
	return good;
}

void top_names_take_lines(struct top_names *names, int from, pid_t child)
{
	struct line_head head;
	FILE *in = fdopen(from, "r");

	while (in && fread(&head, sizeof(head), 1, in) == 1 && head.count < 10000 && take_frame(names, in, &head))
		;
	if (in)
		fclose(in);
	else
		close(from);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

/** "libfoo.so.1+0x1234" */
static char *place_of(const struct frame *frame)
{
	const char *path = frame->module ? frame->module->path : "";

	if (!*path)
		return memory_format("0x%" PRIx64, frame->address);
	return memory_format("%s+0x%" PRIx64, base_name(path), frame->address - frame->module->bias);
}

/** The functions of a backtrace, innermost first, inlined ones not; what is not known is shown by its place. */
char *top_names_label(struct top_names *names, const struct backtrace *backtrace, size_t enough)
{
	const char *functions[HT_MAX_DEPTH + 2];
	char *places[HT_MAX_DEPTH + 2];
	size_t count = 0, place_count = 0, length = 0;
	char *label;

	functions[count++] = entry_name(backtrace->entry);
	for (unsigned i = 0; i < backtrace->depth && i < HT_MAX_DEPTH && length < 2 * enough + 400; i++) {
		const struct top_name *name = top_names_find(names, backtrace->frames[i]);
		const char *function = name ? name->names[name->count - 1].function : NULL;

		if (!function)
			function = places[place_count++] = place_of(backtrace->frames[i]);
		length += is_allocator_function(function) ? 0 : strlen(function);
		functions[count++] = function;
	}
	if (backtrace->truncated)
		functions[count++] = "[truncated]";
	label = label_make(functions, count, enough);
	while (place_count)
		free(places[--place_count]);
	return label;
}

static bool frame_matches(struct top_names *names, const struct frame *frame, const char *text)
{
	const struct top_name *name = top_names_find(names, frame);

	if (frame->module && text_holds(frame->module->path, text))
		return true;
	for (unsigned i = 0; name && i < name->count; i++) {
		if ((name->names[i].function && text_holds(name->names[i].function, text)) ||
		    (name->names[i].file && text_holds(name->names[i].file, text)))
			return true;
	}
	return false;
}

bool *top_names_matches(struct top_names *names, const struct model *model, const char *text)
{
	bool *matches = memory_zeroed(model->frame_count + 1, sizeof(*matches));

	for (size_t i = 0; i < model->frame_count; i++)
		matches[i] = frame_matches(names, &model->frames[i], text);
	return matches;
}
