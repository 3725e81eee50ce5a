// SPDX-License-Identifier: MIT

#include "request_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory.h"
#include "report_common.h"
#include "symbols.h"

#define MESSAGE 65536u
#define PART (8u << 20)          /* text is named and written when there is so much of it */
#define LONGEST_LINE (64u << 20)

/** The addresses of a text, each once for each time that it is marked. */
struct marks {
	struct frame *frames;
	size_t count, room;
};

/** @return the length of the mark, 0 if it is none */
static size_t read_mark(const char *text, size_t size, uint64_t *address)
{
	size_t i = 1;
	*address = 0;
	for (; i < size && i <= 16 && strchr("0123456789abcdef", text[i]) && text[i]; i++)
		*address = *address << 4 | (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
	return i > 1 && i < size && text[i] == '\n' ? i + 1 : 0;
}

/** The object that an address lies in now. */
static struct module *find_module(struct model *model, uint64_t address)
{
	struct module *found = NULL;
	for (size_t i = 0; i < model->module_count; i++) {
		struct module *module = &model->modules[i];
		if (address >= module->start && address < module->end && !module->unloaded_ns)
			found = module;
	}
	return found;
}

static struct marks find_marks(const char *text, size_t size, struct model *model)
{
	struct marks marks = {0};
	uint64_t address;
	for (const char *at = text; (at = memchr(at, 1, size - (size_t)(at - text))); at++) {
		if (!read_mark(at, size - (size_t)(at - text), &address))
			continue;
		marks.frames = memory_grow(marks.frames, marks.count, &marks.room, sizeof(*marks.frames));
		marks.frames[marks.count++] = (struct frame){.address = address, .module = find_module(model, address - 1)};
	}
	return marks;
}

static void name_marks(const struct marks *marks, struct model *model, const struct options *options)
{
	struct frame **frames = memory_zeroed(marks->count + 1, sizeof(*frames));
	for (size_t i = 0; i < marks->count; i++)
		frames[i] = &marks->frames[i];
	symbols_name(model, frames, marks->count, options);
	free(frames);
}

static void write_place(FILE *out, const struct frame *frame, const struct frame_name *name)
{
	if (name->file) {
		fprintf(out, "%s:%u\n", name->file, name->line);
		return;
	}
	char *place = frame_place(frame, false);
	fprintf(out, "%s\n", place);
	free(place);
}

static void write_names(FILE *out, const struct frame *frame)
{
	for (unsigned i = 0; i < frame->name_count; i++) {
		const struct frame_name *name = &frame->names[i];
		if (i == 0)
			fprintf(out, "--- 0x%" PRIx64 ": ", frame->address);
		else
			fputs("---  (inlined by) ", out);
		fprintf(out, "%s at ", name->function ? name->function : "??");
		write_place(out, frame, name);
	}
}

void request_text_name(FILE *out, const char *text, size_t size, struct model *model, const struct options *options)
{
	struct marks marks = find_marks(text, size, model);
	const char *end = text + size;
	size_t number = 0;
	uint64_t address;
	name_marks(&marks, model, options);
	while (text < end) {
		const char *mark = memchr(text, 1, (size_t)(end - text));
		fwrite(text, 1, (size_t)((mark ? mark : end) - text), out);
		if (!mark)
			break;
		size_t length = read_mark(mark, (size_t)(end - mark), &address);
		if (length)
			write_names(out, &marks.frames[number++]);
		else
			putc(*mark, out);
		text = mark + (length ? length : 1);
	}
	for (size_t i = 0; i < marks.count; i++)
		free(marks.frames[i].names);
	free(marks.frames);
}

/** Text on its way: what has been received and not been written. */
struct passage {
	const struct asked *asked;
	struct model *model; /* made when the first mark is seen */
	char *text;
	size_t filled, room;
};

static int make_model(struct passage *passage)
{
	const struct asked *asked = passage->asked;
	struct error error;
	struct snapshot *snapshot = snapshot_read(asked->segment, "the segment", &error);
	passage->model = snapshot ? snapshot_model(snapshot, asked->process->number, &asked->process->facts, &error) : NULL;
	if (snapshot)
		snapshot_close(snapshot);
	return passage->model ? 0 : -ENOMEM;
}

static int write_named(struct passage *passage, size_t size)
{
	char *named = NULL;
	size_t named_size = 0;
	int status = passage->model ? 0 : make_model(passage);
	FILE *out = status ? NULL : open_memstream(&named, &named_size);
	if (!out)
		return -ENOMEM;
	request_text_name(out, passage->text, size, passage->model, &passage->asked->options);
	bool failed = ferror(out);
	if (fclose(out) || failed)
		status = -ENOMEM;
	else if (output_stream(passage->asked->out, named, named_size))
		status = -errno;
	free(named);
	return status;
}

/** Write the first `size` bytes, whole lines or all that there is. */
static int write_part(struct passage *passage, size_t size)
{
	int status = 0;
	if (memchr(passage->text, 1, size))
		status = write_named(passage, size);
	else if (output_stream(passage->asked->out, passage->text, size))
		status = -errno;
	passage->filled -= size;
	memmove(passage->text, passage->text + size, passage->filled);
	return status;
}

/** Long text is written in parts, so that it may have any length. */
static int write_lines(struct passage *passage)
{
	const char *end = passage->filled < PART ? NULL : memrchr(passage->text, '\n', passage->filled);
	return end ? write_part(passage, (size_t)(end - passage->text) + 1) : passage->filled < LONGEST_LINE ? 0 : -EFBIG;
}

/** One message. @return 1, 0 when the guest has shut its side, or a negative errno value */
static int receive_message(struct passage *passage)
{
	int fd;
	while (passage->room - passage->filled < MESSAGE)
		passage->text = memory_grow(passage->text, passage->room, &passage->room, 1);
	ssize_t got = protocol_receive(passage->asked->socket, passage->text + passage->filled, MESSAGE, &fd);
	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return got ? -errno : 0;
	passage->filled += (size_t)got;
	return 1;
}

int request_text_copy(const struct asked *asked)
{
	struct passage passage = {.asked = asked};
	int status;
	do {
		status = receive_message(&passage);
		int written = status > 0 ? write_lines(&passage) : 0;
		status = written < 0 ? written : status;
	} while (status > 0);
	if (!status && passage.filled)
		status = write_part(&passage, passage.filled);
	model_free(passage.model);
	free(passage.text);
	return status;
}
