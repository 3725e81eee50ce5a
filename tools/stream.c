// SPDX-License-Identifier: MIT

/* See stream.h. */

#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../src/tohost_stream.h"
#include "memory.h"
#include "model_build.h"

#define NO_EVENT 0u
#define MAX_MODULES 65536u

/** A stream on its way. */
struct parser {
	struct stream *stream;
	size_t event_room, link_room, module_room, frame_room, duplicate_room;
	struct table live;      /* address to number of its allocation + 1 */
	struct table freed;     /* address and thread to number of the last free + 1 */
	struct table frames;    /* address and module to number of the frame + 1 */
	struct table known;     /* address and number of modules described till then: the same */
	uint32_t *frame_module; /* of each frame: index of its module + 1 */
	size_t frame_module_room;
	struct table threads;   /* tid to index of its name + 1 */
	const char **names;
	size_t name_count, name_room;
	struct strings strings;
	bool begun;
};

/** What stream.model does not hold, kept for its time: names of threads. */
struct kept {
	struct stream stream;
	struct strings strings;
};

bool stream_begins(const void *bytes, size_t size)
{
	struct ht_stream_begin begin;

	if (size < sizeof(begin))
		return false;
	memcpy(&begin, bytes, sizeof(begin));
	return begin.head.kind == HT_STREAM_BEGIN && begin.magic == HT_STREAM_MAGIC && begin.head.size >= sizeof(begin);
}

static bool take_begin(struct parser *parser, const struct ht_stream_begin *begin)
{
	struct model *model = parser->stream->model;

	if (begin->magic != HT_STREAM_MAGIC || begin->version != HT_STREAM_VERSION || begin->byte_order != HT_BYTE_ORDER)
		return false;
	if (!parser->begun) {
		model->pid = (int)begin->pid;
		model->start_wall = begin->start_wall;
		free(model->name);
		model->name = memory_copy_bytes(begin->name, strnlen(begin->name, sizeof(begin->name)));
	}
	parser->begun = true;
	return true;
}

static bool take_module(struct parser *parser, const struct ht_module *record, size_t room)
{
	struct model *model = parser->stream->model;

	if (room < sizeof(*record) || !module_is_sound(record, room) || model->module_count == MAX_MODULES)
		return false;
	model->modules = memory_grow(model->modules, model->module_count, &parser->module_room, sizeof(*model->modules));
	module_decode(&model->modules[model->module_count++], record);
	return true;
}

static bool take_thread(struct parser *parser, const struct ht_stream_thread *thread)
{
	bool fresh;
	char *name = memory_copy_bytes(thread->name, strnlen(thread->name, sizeof(thread->name)));

	parser->names = memory_grow(parser->names, parser->name_count, &parser->name_room, sizeof(*parser->names));
	parser->names[parser->name_count++] = strings_keep(&parser->strings, name);
	*table_at(&parser->threads, thread->tid, 0, &fresh) = (uint32_t)parser->name_count;
	free(name);
	return true;
}

/** Index + 1 of the module that an address lay in at this point of the stream: the one described last; 0: in none. */
static uint32_t module_of(const struct model *model, uint64_t address)
{
	for (size_t i = model->module_count; i-- > 0;)
		if (address >= model->modules[i].start && address < model->modules[i].end)
			return (uint32_t)i + 1;
	return 0;
}

static uint32_t find_frame(struct parser *parser, uint64_t address)
{
	struct model *model = parser->stream->model;
	uint32_t module = module_of(model, address - 1);
	bool fresh;
	uint32_t *place = table_at(&parser->frames, address, module, &fresh);

	if (!fresh)
		return *place - 1;
	*place = (uint32_t)model->frame_count + 1;
	parser->frame_module = memory_grow(parser->frame_module, model->frame_count, &parser->frame_module_room,
					   sizeof(*parser->frame_module));
	parser->frame_module[model->frame_count] = module;
	model->frames = memory_grow(model->frames, model->frame_count, &parser->frame_room, sizeof(*model->frames));
	model->frames[model->frame_count] = (struct frame) { .address = address };
	return (uint32_t)model->frame_count++;
}

static uint32_t take_frame(struct parser *parser, uint64_t address)
{
	const uint32_t *known = table_find(&parser->known, address, parser->stream->model->module_count);
	uint32_t frame;
	bool fresh;

	if (known)
		return *known - 1;
	frame = find_frame(parser, address);
	*table_at(&parser->known, address, parser->stream->model->module_count, &fresh) = frame + 1;
	return frame;
}

static struct stream_event *add_event(struct parser *parser, const struct ht_stream_event *record)
{
	struct stream *stream = parser->stream;
	const uint32_t *name = table_find(&parser->threads, record->tid, 0);

	stream->events = memory_grow(stream->events, stream->event_count, &parser->event_room, sizeof(*stream->events));
	struct stream_event *event = &stream->events[stream->event_count++];

	*event = (struct stream_event) {
		.is_free = record->head.kind == HT_STREAM_FREE, .cpu = record->cpu, .tid = record->tid, .ns = record->ns,
		.address = record->address, .bytes = record->bytes, .thread = name ? parser->names[*name - 1] : "",
		.first_frame = stream->link_count, .depth = record->depth,
	};
	for (unsigned i = 0; i < record->depth; i++) {
		uint32_t frame = take_frame(parser, record->frames[i]);

		stream->links = memory_grow(stream->links, stream->link_count, &parser->link_room, sizeof(*stream->links));
		stream->links[stream->link_count++] = frame;
	}
	return event;
}

static void note_duplicate(struct parser *parser, struct stream_event *previous, const struct stream_event *now)
{
	struct stream *stream = parser->stream;

	previous->outstanding = false;
	stream->duplicates = memory_grow(stream->duplicates, stream->duplicate_count, &parser->duplicate_room,
					 sizeof(*stream->duplicates));
	stream->duplicates[stream->duplicate_count++] =
		(struct stream_duplicate) { now->address, now->bytes, previous->bytes };
}

static void allocate(struct parser *parser, const struct ht_stream_event *record)
{
	struct stream_event *event = add_event(parser, record);
	bool fresh;

	if (!event->address) /* one that failed */
		return;
	uint32_t *live = table_at(&parser->live, event->address, 0, &fresh);

	if (*live != NO_EVENT)
		note_duplicate(parser, &parser->stream->events[*live - 1], event);
	event->outstanding = true;
	*live = (uint32_t)parser->stream->event_count;
}

static void release(struct parser *parser, const struct ht_stream_event *record)
{
	struct stream_event *event = add_event(parser, record);
	bool fresh;
	uint32_t *live = table_at(&parser->live, event->address, 0, &fresh);

	event->freed = *live;
	event->unmatched = *live == NO_EVENT;
	if (*live != NO_EVENT)
		parser->stream->events[*live - 1].outstanding = false;
	*live = NO_EVENT;
	*table_at(&parser->freed, event->address, event->tid, &fresh) = (uint32_t)parser->stream->event_count;
}

/** A realloc failed: as if the thread's free before it had not been. */
static void restore(struct parser *parser, const struct ht_stream_event *record)
{
	struct stream_event *events = parser->stream->events;
	bool fresh;
	uint32_t *last = table_at(&parser->freed, record->address, record->tid, &fresh);
	struct stream_event *freed = *last ? &events[*last - 1] : NULL;

	if (!freed || freed->undone)
		return;
	freed->undone = true;
	freed->unmatched = false;
	uint32_t *live = table_at(&parser->live, record->address, 0, &fresh);

	if (*live != NO_EVENT || !freed->freed)
		return;
	*live = freed->freed;
	events[freed->freed - 1].outstanding = true;
}

static bool take_event(struct parser *parser, const struct ht_stream_event *record, size_t size)
{
	if (record->depth > HT_STREAM_MAX_DEPTH || size < sizeof(*record) + record->depth * sizeof(uint64_t) ||
	    parser->stream->event_count >= UINT32_MAX - 1)
		return false;
	switch (record->head.kind) {
	case HT_STREAM_ALLOC:
		allocate(parser, record);
		break;
	case HT_STREAM_FREE:
		release(parser, record);
		break;
	default:
		restore(parser, record);
	}
	return true;
}

/** @return whether the record was sound */
static bool take(struct parser *parser, const struct ht_stream_head *head)
{
	const void *record = head;

	switch (head->kind) {
	case HT_STREAM_BEGIN:
		return head->size >= sizeof(struct ht_stream_begin) && take_begin(parser, record);
	case HT_STREAM_MODULE:
		return take_module(parser, (const struct ht_module *)(head + 1), head->size - sizeof(*head));
	case HT_STREAM_THREAD:
		return head->size >= sizeof(struct ht_stream_thread) && take_thread(parser, record);
	case HT_STREAM_ALLOC: case HT_STREAM_FREE: case HT_STREAM_RESTORE:
		return head->size >= sizeof(struct ht_stream_event) && take_event(parser, record, head->size);
	case HT_STREAM_LOST:
		if (head->size < sizeof(struct ht_stream_lost))
			return false;
		parser->stream->lost += ((const struct ht_stream_lost *)record)->events;
		return true;
	default:
		return true; /* of a later version */
	}
}

static void take_all(struct parser *parser, const uint8_t *bytes, size_t size)
{
	/* Records are read where they lie, so they must be aligned there. */
	uint64_t buffer[HT_STREAM_MAX_RECORD / sizeof(uint64_t)];
	struct ht_stream_head head;

	for (size_t at = 0; size - at >= sizeof(head); at += head.size) {
		memcpy(&head, bytes + at, sizeof(head));
		if (!head.size) /* the end of what was written */
			return;
		if (head.size < sizeof(head) || head.size % 8 || head.size > sizeof(buffer) || head.size > size - at) {
			parser->stream->broken++;
			return;
		}
		memcpy(buffer, bytes + at, head.size);
		parser->stream->broken += !take(parser, (const struct ht_stream_head *)buffer);
	}
}

static void finish(struct parser *parser)
{
	struct stream *stream = parser->stream;
	struct model *model = stream->model;

	for (size_t i = 0; i < model->frame_count; i++)
		if (parser->frame_module[i])
			model->frames[i].module = &model->modules[parser->frame_module[i] - 1];
	table_free(&parser->live);
	table_free(&parser->freed);
	table_free(&parser->frames);
	table_free(&parser->known);
	table_free(&parser->threads);
	free(parser->frame_module);
	free(parser->names);
}

struct stream *stream_parse(const uint8_t *bytes, size_t size)
{
	struct kept *kept = memory_zeroed(1, sizeof(*kept));
	struct parser parser = { .stream = &kept->stream };
	struct model *model = memory_zeroed(1, sizeof(*model));

	kept->stream.model = model;
	model->command = memory_zeroed(2, sizeof(*model->command));
	take_all(&parser, bytes, size);
	if (!model->name)
		model->name = memory_copy_string("?");
	model->command[0] = memory_copy_string(model->name);
	model->command_count = 1;
	finish(&parser);
	kept->strings = parser.strings;
	return &kept->stream;
}

void stream_free(struct stream *stream)
{
	struct kept *kept = (struct kept *)stream;

	if (!stream)
		return;
	model_free(stream->model);
	free(stream->events);
	free(stream->links);
	free(stream->duplicates);
	strings_free(&kept->strings);
	free(kept);
}

bool stream_is(const char *path)
{
	struct ht_stream_begin begin;
	struct stat status;
	bool is = false;
	int fd;

	if (stat(path, &status))
		return false;
	if (!S_ISREG(status.st_mode))
		return S_ISFIFO(status.st_mode);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0) {
		is = read(fd, &begin, sizeof(begin)) == (ssize_t)sizeof(begin) && stream_begins(&begin, sizeof(begin));
		close(fd);
	}
	return is;
}

static struct stream *refuse(struct error *error, const char *path, const char *why)
{
	snprintf(error->text, sizeof(error->text), "'%s' can not be read: %s", path, why);
	return NULL;
}

struct stream *stream_read(const char *path, struct error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	uint8_t *bytes = NULL;
	size_t size = 0, room = 0;
	struct stream *stream;
	ssize_t got;

	if (fd < 0)
		return refuse(error, path, strerror(errno));
	do {
		if (room - size < 65536) {
			room = room ? room * 2 : 1u << 20;
			bytes = memory_resize(bytes, room, 1);
		}
		got = read(fd, bytes + size, room - size);
		size += got > 0 ? (size_t)got : 0;
	} while (got > 0 || (got < 0 && errno == EINTR));
	close(fd);
	if (got < 0)
		stream = refuse(error, path, strerror(errno));
	else if (!stream_begins(bytes, size))
		stream = refuse(error, path, "it is no trace of heap_trace_init_tohost(); give the file that the program wrote");
	else
		stream = stream_parse(bytes, size);
	free(bytes);
	return stream;
}
