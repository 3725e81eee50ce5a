// SPDX-License-Identifier: MIT

/* Streams of heap_trace's host-based mode, record by record, as the guest writes them. */

#ifndef HEAPTRACE_TESTS_BUILD_STREAM_H
#define HEAPTRACE_TESTS_BUILD_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "../../src/segment.h"
#include "../../src/tohost_stream.h"

/** Empty when zeroed; `bytes` is to be freed. */
struct built_stream {
	uint8_t *bytes;
	size_t size, room;
	uint64_t ns; /* of the last event; each is a second later */
};

/** The first record. */
void stream_add_begin(struct built_stream *stream, uint32_t pid, const char *name);

/** A module that lies at `start`, with one segment and a build id. */
void stream_add_module(struct built_stream *stream, uint32_t number, uint64_t start, uint64_t end, const char *path);

void stream_add_thread(struct built_stream *stream, uint32_t tid, const char *name);

/** One of thread 7, on CPU 1, with two frames: 0x1111 and 0x2222. */
void stream_add_event(struct built_stream *stream, enum ht_stream_kind kind, uint64_t address, uint64_t bytes);

void stream_add_lost(struct built_stream *stream, uint64_t events);

/** Any record of a size of its own. */
void stream_add_raw(struct built_stream *stream, uint32_t size, uint16_t kind, const void *rest, size_t length);

/** One of each. */
struct built_stream stream_seed(void);

#endif
