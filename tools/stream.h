// SPDX-License-Identifier: MIT

/*
 * The stream of heap_trace's host-based mode (src/tohost_stream.h), read and put in order: each free finds its allocation,
 * and what is left over is what leaks. The input is hostile: what is broken is skipped and counted.
 */

#ifndef HEAPTRACE_STREAM_H
#define HEAPTRACE_STREAM_H

#include <stdbool.h>
#include <stdio.h>

#include "options.h"
#include "snapshot.h"

/** One allocation or free. */
struct stream_event {
	bool is_free;
	bool undone;            /* a realloc failed: this free did not take place */
	bool outstanding;       /* an allocation whose free was not seen */
	bool unmatched;         /* a free of an address that was not allocated */
	uint16_t cpu;
	uint32_t tid;
	uint64_t ns;            /* since the start of the run */
	uint64_t address, bytes;
	const char *thread;     /* its name then; "" if unknown */
	uint32_t freed;         /* of a free: number of the allocation in stream.events + 1, 0 if it was not seen */
	size_t first_frame;     /* in stream.links */
	unsigned depth;
};

/** An address that was given out again although its free was not seen. */
struct stream_duplicate {
	uint64_t address, bytes, previous;
};

struct stream {
	struct model *model;    /* of the process: name, modules, frames; no backtraces */
	struct stream_event *events;
	size_t event_count;
	uint32_t *links;        /* numbers of frames in model->frames */
	size_t link_count;
	struct stream_duplicate *duplicates;
	size_t duplicate_count;
	uint64_t lost;          /* events that the writer could not write */
	uint64_t broken;        /* records that could not be read */
};

/** Whether bytes begin as a stream does. */
bool stream_begins(const void *bytes, size_t size);

/** Whether a file is a stream, or one that can only be read through once, as a FIFO: then it must be one. */
bool stream_is(const char *path);

/** Make sense of the bytes of a stream. Never NULL. */
struct stream *stream_parse(const uint8_t *bytes, size_t size);

/** Read a file, a FIFO until its writer closes it. @return NULL with *error filled */
struct stream *stream_read(const char *path, struct error *error);

void stream_free(struct stream *stream);

/** ESP-IDF's report, with all events before it if options->events. @return 0, or -1 with errno */
int stream_report_text(FILE *out, const struct stream *stream, const struct options *options);

/** The events as ESP-IDF's host script writes them with -j. @return 0, or -1 with errno */
int stream_report_json(FILE *out, const struct stream *stream);

#endif
