// SPDX-License-Identifier: MIT

/* libFuzzer entry: a trace of heap_trace's host-based mode, reported in every way. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../tools/stream.h"
#include "../../tools/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Each free belongs to one allocation at most, and each allocation is outstanding or not. */
static void check(const struct stream *stream)
{
	for (size_t i = 0; i < stream->event_count; i++) {
		const struct stream_event *event = &stream->events[i];

		if (event->first_frame + event->depth > stream->link_count || !event->thread)
			abort();
		if (event->is_free && event->outstanding)
			abort();
		if (!event->is_free && (event->unmatched || event->undone))
			abort();
	}
	for (size_t i = 0; i < stream->link_count; i++)
		if (stream->links[i] >= stream->model->frame_count)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream *stream = stream_parse(data, size);
	struct options options;
	FILE *out = fopen("/dev/null", "w");

	options_defaults(&options);
	options.events = options.verbose = true;
	options.cache = false;
	options.lines = false;
	check(stream);
	stream_report_text(out, stream, &options);
	stream_report_json(out, stream);
	symbols_name_all(stream->model, &options);
	options.lines = true;
	stream_report_text(out, stream, &options);
	fclose(out);
	stream_free(stream);
	symbols_forget();
	return 0;
}
