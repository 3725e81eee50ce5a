// SPDX-License-Identifier: MIT

#include "build_stream.h"

#include <stdlib.h>
#include <string.h>

static void *add(struct built_stream *stream, size_t size)
{
	if (stream->room - stream->size < size) {
		stream->room = (stream->room + size) * 2;
		stream->bytes = realloc(stream->bytes, stream->room);
		if (!stream->bytes)
			abort();
	}
	stream->size += size;
	return memset(stream->bytes + stream->size - size, 0, size);
}

void stream_add_raw(struct built_stream *stream, uint32_t size, uint16_t kind, const void *rest, size_t length)
{
	struct ht_stream_head head = { .size = size, .kind = kind };
	uint8_t *out = add(stream, sizeof(head) + length);

	memcpy(out, &head, sizeof(head));
	if (length)
		memcpy(out + sizeof(head), rest, length);
}

void stream_add_begin(struct built_stream *stream, uint32_t pid, const char *name)
{
	struct ht_stream_begin record = {
		.magic = HT_STREAM_MAGIC, .version = HT_STREAM_VERSION, .byte_order = HT_BYTE_ORDER, .pid = pid, .machine = 62,
	};

	strncpy(record.name, name, sizeof(record.name) - 1);
	stream_add_raw(stream, sizeof(record), HT_STREAM_BEGIN, &record.head + 1, sizeof(record) - sizeof(record.head));
}

void stream_add_module(struct built_stream *stream, uint32_t number, uint64_t start, uint64_t end, const char *path)
{
	struct {
		struct ht_module module;
		struct ht_phdr phdr;
		uint8_t build_id[20];
		char path[100];
	} record = {
		.module = { .number = number, .bias = start, .start = start, .end = end, .phdrs = 1, .build_id = 20,
			    .path = (uint32_t)strlen(path) },
		.phdr = { .type = 1, .flags = 5, .filesz = end - start, .memsz = end - start },
		.build_id = { (uint8_t)number },
	};

	strncpy(record.path, path, sizeof(record.path) - 1);
	record.module.size = (uint32_t)(offsetof(__typeof__(record), path) + strlen(path) + 7) & ~7u;
	stream_add_raw(stream, (uint32_t)sizeof(struct ht_stream_head) + record.module.size, HT_STREAM_MODULE, &record, record.module.size);
}

void stream_add_thread(struct built_stream *stream, uint32_t tid, const char *name)
{
	struct ht_stream_thread record = { .tid = tid };

	memcpy(record.name, name, strnlen(name, sizeof(record.name)));
	stream_add_raw(stream, sizeof(record), HT_STREAM_THREAD, &record.head + 1, sizeof(record) - sizeof(record.head));
}

void stream_add_event(struct built_stream *stream, enum ht_stream_kind kind, uint64_t address, uint64_t bytes)
{
	struct {
		struct ht_stream_event event;
		uint64_t frames[2];
	} record = {
		.event = { .ns = stream->ns += 1000000000, .address = address, .bytes = bytes, .tid = 7, .cpu = 1, .depth = 2 },
		.frames = { 0x1111, 0x2222 },
	};

	stream_add_raw(stream, sizeof(record), (uint16_t)kind, &record.event.head + 1, sizeof(record) - sizeof(record.event.head));
}

void stream_add_lost(struct built_stream *stream, uint64_t events)
{
	stream_add_raw(stream, sizeof(struct ht_stream_lost), HT_STREAM_LOST, &events, sizeof(events));
}

struct built_stream stream_seed(void)
{
	struct built_stream stream = { 0 };

	stream_add_begin(&stream, 42, "program");
	stream_add_module(&stream, 1, 0x1000, 0x2000, "/nonexistent/program");
	stream_add_thread(&stream, 7, "worker");
	stream_add_event(&stream, HT_STREAM_ALLOC, 0x10000, 100);
	stream_add_event(&stream, HT_STREAM_FREE, 0x10000, 0);
	stream_add_event(&stream, HT_STREAM_RESTORE, 0x10000, 0);
	stream_add_event(&stream, HT_STREAM_ALLOC, 0x10000, 200);
	stream_add_event(&stream, HT_STREAM_FREE, 0x10010, 0);
	stream_add_lost(&stream, 3);
	stream_add_module(&stream, 2, 0x1000, 0x3000, "/nonexistent/other");
	stream_add_event(&stream, HT_STREAM_ALLOC, 0x20000, 1);
	return stream;
}
