// SPDX-License-Identifier: MIT

/*
 * ESP-IDF's report of a stream: the words of its host script, to the character, "sic" where that has them wrong. What it
 * gives up at (an address that is allocated twice) is a line here.
 */

#include "stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "memory.h"
#include "symbols.h"

#define EVENT_ALLOC 512 /* numbers that ESP-IDF's events have in a stream of its own */
#define EVENT_FREE 513

static const struct frame *frame_of(const struct stream *stream, const struct stream_event *event, unsigned i)
{
	return &stream->model->frames[stream->links[event->first_frame + i]];
}

static void put_function(FILE *out, const struct frame_name *name)
{
	fputs(name->function, out);
	if (!name->file && name->offset != UNKNOWN_OFFSET && name->offset)
		fprintf(out, "+0x%" PRIx64, name->offset);
}

/** As addr2line has it; where there are no lines, function or module. */
static void put_name(FILE *out, const struct frame *frame, const struct frame_name *name, bool verbose)
{
	if (name->function && (verbose || !name->file)) {
		put_function(out, name);
		if (name->file)
			fputs(" at ", out);
	}
	if (name->file)
		fprintf(out, "%s:%u", name->file, name->line);
	if (!name->file && frame->module)
		fprintf(out, "%s%s (+0x%" PRIx64 ")", name->function ? " in " : "", frame->module->path,
			frame->address - frame->module->bias);
	else if (!name->file && !name->function)
		fprintf(out, "0x%" PRIx64, frame->address);
	fputs(verbose && name->inlined ? " [inlined]\n" : "\n", out);
}

static void put_callers(FILE *out, const struct stream *stream, const struct stream_event *event,
			const struct options *options)
{
	if (!options->lines) {
		for (unsigned i = 0; i < event->depth; i++)
			fprintf(out, "%s0x%" PRIx64, i ? ":" : "", frame_of(stream, event, i)->address);
		fputc('\n', out);
		return;
	}
	fputc('\n', out);
	for (unsigned i = 0; i < event->depth; i++) {
		const struct frame *frame = frame_of(stream, event, i);
		/* ESP-IDF's script asks for no inlined functions: the innermost one has the line. */
		unsigned count = options->verbose ? frame->name_count : 1;

		for (unsigned j = 0; j < count; j++)
			put_name(out, frame, &frame->names[j], options->verbose);
	}
	fputc('\n', out);
}

static void put_event(FILE *out, const struct stream *stream, const struct stream_event *event,
		      const struct options *options)
{
	fprintf(out, "[%.9f] HEAP: ", (double)event->ns / 1e9);
	if (event->is_free)
		fprintf(out, "Freed bytes @ 0x%" PRIx64, event->address);
	else
		fprintf(out, "Allocated %" PRIu64 " bytes @ 0x%" PRIx64, event->bytes, event->address);
	fprintf(out, " from task \"%s\" on core %u by: ", event->thread, event->cpu);
	put_callers(out, stream, event, options);
}

/** Frees of addresses inside of a block, by address: nobody searches all of them for each block. */
struct frees {
	size_t *numbers;
	size_t count;
	const struct stream *stream;
};

static const struct stream_event *events_to_sort;

static int by_address(const void *a, const void *b)
{
	const struct stream_event *left = &events_to_sort[*(const size_t *)a], *right = &events_to_sort[*(const size_t *)b];

	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left < right ? -1 : left > right;
}

static void collect_frees(struct frees *frees, const struct stream *stream)
{
	frees->stream = stream;
	frees->numbers = memory_zeroed(stream->event_count, sizeof(*frees->numbers));
	for (size_t i = 0; i < stream->event_count; i++)
		if (stream->events[i].unmatched)
			frees->numbers[frees->count++] = i;
	events_to_sort = stream->events;
	if (frees->count)
		qsort(frees->numbers, frees->count, sizeof(*frees->numbers), by_address);
}

static void put_wrong_frees(FILE *out, const struct frees *frees, const struct stream_event *block,
			    const struct options *options)
{
	const struct stream_event *events = frees->stream->events;
	size_t low = 0, high = frees->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (events[frees->numbers[middle]].address <= block->address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < frees->count && events[frees->numbers[low]].address - block->address <= block->bytes; low++) {
		fputs("Possible wrong free operation found\n", out);
		put_event(out, frees->stream, &events[frees->numbers[low]], options);
	}
}

static size_t count_events(const struct stream *stream)
{
	size_t count = 0;

	for (size_t i = 0; i < stream->event_count; i++)
		count += !stream->events[i].undone;
	return count;
}

static void put_leaks(FILE *out, const struct stream *stream, const struct options *options)
{
	struct frees frees = { 0 };
	uint64_t bytes = 0, blocks = 0;

	collect_frees(&frees, stream);
	for (size_t i = 0; i < stream->event_count; i++) {
		const struct stream_event *event = &stream->events[i];

		if (!event->outstanding)
			continue;
		put_event(out, stream, event, options);
		put_wrong_frees(out, &frees, event, options);
		bytes += event->bytes;
		blocks++;
	}
	free(frees.numbers);
	if (blocks)
		fprintf(out, "Found %" PRIu64 " leaked bytes in %" PRIu64 " blocks.\n", bytes, blocks);
	else
		fputs("OK - Heap errors was not found.\n", out);
}

int stream_report_text(FILE *out, const struct stream *stream, const struct options *options)
{
	for (size_t i = 0; options->events && i < stream->event_count; i++)
		if (!stream->events[i].undone)
			put_event(out, stream, &stream->events[i], options);
	fputs("=============== HEAP TRACE REPORT ===============\n", out);
	fprintf(out, "Processed %zu heap events.\n", count_events(stream));
	if (stream->lost)
		fprintf(out, "NB: %" PRIu64 " heap events were lost: the reader was too slow, or the disk is full.\n", stream->lost);
	for (size_t i = 0; i < stream->duplicate_count; i++) {
		const struct stream_duplicate *duplicate = &stream->duplicates[i];

		fprintf(out, "Duplicate alloc @ 0x%" PRIx64 "! New alloc is %" PRIu64 " bytes, previous is %" PRIu64 " bytes.\n",
			duplicate->address, duplicate->bytes, duplicate->previous);
	}
	put_leaks(out, stream, options);
	return ferror(out) ? -1 : 0;
}

static void put_json_event(FILE *out, const struct stream *stream, const struct stream_event *event)
{
	fputs("{\"ctx_name\":", out);
	json_string(out, event->thread);
	fprintf(out, ",\"in_irq\":false,\"id\":%d,\"core_id\":%u,\"ts\":%.9f,\"tid\":%" PRIu32 ",\"addr\":\"0x%" PRIx64 "\"",
		event->is_free ? EVENT_FREE : EVENT_ALLOC, event->cpu, (double)event->ns / 1e9, event->tid, event->address);
	if (!event->is_free)
		fprintf(out, ",\"size\":%" PRIu64, event->bytes);
	fputs(",\"callers\":[", out);
	for (unsigned i = 0; i < event->depth; i++)
		fprintf(out, "%s\"0x%" PRIx64 "\"", i ? "," : "", frame_of(stream, event, i)->address);
	fputs("]}", out);
}

int stream_report_json(FILE *out, const struct stream *stream)
{
	const char *separator = "\n";

	fprintf(out, "{\"version\":\"1.0\",\"streams\":{\"heap\":{\"alloc\":%d,\"free\":%d}},\"lost\":%" PRIu64 ",\"events\":[",
		EVENT_ALLOC, EVENT_FREE, stream->lost);
	for (size_t i = 0; i < stream->event_count; i++) {
		if (stream->events[i].undone)
			continue;
		fputs(separator, out);
		put_json_event(out, stream, &stream->events[i]);
		separator = ",\n";
	}
	fputs("]}\n", out);
	return ferror(out) ? -1 : 0;
}
