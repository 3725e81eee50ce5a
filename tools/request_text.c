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

#define LARGEST_TEXT (256u << 20)
#define MESSAGE 65536u

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

/** All messages until the guest shuts its side. @return 0 or a negative errno value */
static int receive_text(int socket, FILE *text)
{
	static char message[MESSAGE];
	size_t all = 0;
	int fd;
	for (;;) {
		ssize_t got = protocol_receive(socket, message, sizeof(message), &fd);
		if (fd >= 0)
			close(fd);
		if (got <= 0)
			return got ? -errno : 0;
		all += (size_t)got;
		if (all > LARGEST_TEXT)
			return -EFBIG;
		fwrite(message, 1, (size_t)got, text);
	}
}

static struct model *make_model(const struct asked *asked)
{
	struct error error;
	struct snapshot *snapshot = snapshot_read(asked->segment, "the segment", &error);
	struct model *model = snapshot ? snapshot_model(snapshot, asked->process->number, &asked->process->facts, &error) : NULL;
	if (snapshot)
		snapshot_close(snapshot);
	return model;
}

static int write_named(const struct asked *asked, const char *text, size_t size)
{
	struct model *model = make_model(asked);
	char *named = NULL;
	size_t named_size = 0;
	FILE *out = open_memstream(&named, &named_size);
	if (!model || !out)
		return -ENOMEM;
	request_text_name(out, text, size, model, &asked->options);
	bool failed = ferror(out);
	if (fclose(out) || failed)
		return -ENOMEM;
	return output_stream(asked->out, named, named_size) ? -errno : 0;
}

int request_text_copy(const struct asked *asked)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	if (!file)
		return -ENOMEM;
	int status = receive_text(asked->socket, file);
	if (fclose(file))
		return -ENOMEM;
	if (!status && memchr(text, 1, size))
		status = write_named(asked, text, size);
	else if (!status)
		status = output_stream(asked->out, text, size) ? -errno : 0;
	free(text);
	return status;
}
