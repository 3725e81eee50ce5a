// SPDX-License-Identifier: MIT

/* Traces of heap_trace's host-based mode: frees find their allocations, and the report has ESP-IDF's words. */

#include "../../tools/stream.h"

#include <stdlib.h>

#include "../lib/build_stream.h"
#include "../lib/tap.h"

static char *text(const struct built_stream *built, bool events)
{
	struct stream *stream = stream_parse(built->bytes, built->size);
	struct options options;
	char *out = NULL;
	size_t size;
	FILE *memory = open_memstream(&out, &size);

	options_defaults(&options);
	options.lines = false;
	options.events = events;
	ok(!stream_report_text(memory, stream, &options), "written");
	fclose(memory);
	stream_free(stream);
	return out;
}

static void is_report(struct built_stream *built, const char *expected, const char *name)
{
	char *out = text(built, false);

	is_str(out, expected, "%s", name);
	free(out);
	free(built->bytes);
	*built = (struct built_stream) { 0 };
}

#define REPORT "=============== HEAP TRACE REPORT ===============\n"
#define ALLOC(second, size, address) \
	"[" #second ".000000000] HEAP: Allocated " #size " bytes @ 0x" #address " from task \"worker\" on core 1 by: 0x1111:0x2222\n"
#define FREE(second, address) \
	"[" #second ".000000000] HEAP: Freed bytes @ 0x" #address " from task \"worker\" on core 1 by: 0x1111:0x2222\n"

static struct built_stream begun(void)
{
	struct built_stream built = { 0 };

	stream_add_begin(&built, 42, "program");
	stream_add_thread(&built, 7, "worker");
	return built;
}

static void leaks(void)
{
	struct built_stream built = begun();

	stream_add_event(&built, HT_STREAM_ALLOC, 0x1000, 10);
	stream_add_event(&built, HT_STREAM_FREE, 0x1000, 0);
	is_report(&built, REPORT "Processed 2 heap events.\nOK - Heap errors was not found.\n", "no leak");
	built = begun();
	stream_add_event(&built, HT_STREAM_FREE, 0x9000, 0);
	stream_add_event(&built, HT_STREAM_ALLOC, 0x3000, 30);
	stream_add_event(&built, HT_STREAM_ALLOC, 0x1000, 10);
	stream_add_event(&built, HT_STREAM_ALLOC, 0x2000, 20);
	stream_add_event(&built, HT_STREAM_FREE, 0x1000, 0);
	char *out = text(&built, true);

	is_str(out, FREE(1, 9000) ALLOC(2, 30, 3000) ALLOC(3, 10, 1000) ALLOC(4, 20, 2000) FREE(5, 1000)
	       REPORT "Processed 5 heap events.\n" ALLOC(2, 30, 3000) ALLOC(4, 20, 2000)
	       "Found 50 leaked bytes in 2 blocks.\n", "events, and what is left in the order of its allocation");
	free(out);
	free(built.bytes);
}

static void wrong_frees(void)
{
	struct built_stream built = begun();

	stream_add_event(&built, HT_STREAM_ALLOC, 0x1000, 16);
	stream_add_event(&built, HT_STREAM_FREE, 0x1008, 0);
	stream_add_event(&built, HT_STREAM_FREE, 0x1010, 0);
	stream_add_event(&built, HT_STREAM_FREE, 0x1011, 0);
	stream_add_event(&built, HT_STREAM_FREE, 0xff8, 0);
	is_report(&built, REPORT "Processed 5 heap events.\n" ALLOC(1, 16, 1000)
		  "Possible wrong free operation found\n" FREE(2, 1008)
		  "Possible wrong free operation found\n" FREE(3, 1010) "Found 16 leaked bytes in 1 blocks.\n",
		  "frees inside of a block, and at its end");
}

static void duplicates(void)
{
	struct built_stream built = begun();

	stream_add_event(&built, HT_STREAM_ALLOC, 0x1000, 10);
	stream_add_event(&built, HT_STREAM_ALLOC, 0x1000, 25);
	stream_add_lost(&built, 4);
	is_report(&built, REPORT "Processed 2 heap events.\nNB: 4 heap events were lost: the reader was too slow, or the disk is full.\n"
		  "Duplicate alloc @ 0x1000! New alloc is 25 bytes, previous is 10 bytes.\n" ALLOC(2, 25, 1000)
		  "Found 25 leaked bytes in 1 blocks.\n", "a free that was lost ends nothing");
}

static void restored(void)
{
	struct built_stream built = begun();

	stream_add_event(&built, HT_STREAM_ALLOC, 0x1000, 10);
	stream_add_event(&built, HT_STREAM_FREE, 0x1000, 0);
	stream_add_event(&built, HT_STREAM_RESTORE, 0x1000, 0);
	is_report(&built, REPORT "Processed 1 heap events.\n" ALLOC(1, 10, 1000) "Found 10 leaked bytes in 1 blocks.\n",
		  "a realloc that failed");
	built = begun();
	stream_add_event(&built, HT_STREAM_FREE, 0x1000, 0);
	stream_add_event(&built, HT_STREAM_RESTORE, 0x1000, 0);
	stream_add_event(&built, HT_STREAM_RESTORE, 0x5000, 0);
	is_report(&built, REPORT "Processed 0 heap events.\nOK - Heap errors was not found.\n", "also of an unknown block");
}

static uint64_t broken(struct built_stream *built)
{
	struct stream *stream = stream_parse(built->bytes, built->size);
	uint64_t count = stream->broken;

	stream_free(stream);
	return count;
}

static void hostile(void)
{
	struct built_stream built = stream_seed();
	const uint16_t depth = 65;
	uint8_t event[64] = { 0 };

	is_int(broken(&built), 0, "a good stream");
	for (size_t cut = 0; cut < built.size; cut++) {
		struct stream *stream = stream_parse(built.bytes, cut);

		if (stream->broken > 1)
			break;
		stream_free(stream);
		if (cut + 1 == built.size)
			ok(true, "cut anywhere, it is read as far as it goes");
	}
	stream_add_raw(&built, 16, 99, event, 8);
	is_int(broken(&built), 0, "a kind of a later version is skipped");
	memcpy(event + offsetof(struct ht_stream_event, depth) - sizeof(struct ht_stream_head), &depth, sizeof(depth));
	stream_add_raw(&built, 40, HT_STREAM_ALLOC, event, 32);
	stream_add_raw(&built, 16, HT_STREAM_ALLOC, event, 8);
	stream_add_raw(&built, 16, HT_STREAM_MODULE, event, 8);
	stream_add_raw(&built, 16, HT_STREAM_THREAD, event, 8);
	stream_add_raw(&built, 16, HT_STREAM_BEGIN, event, 8);
	is_int(broken(&built), 5, "records that are too short for what they are");
	stream_add_raw(&built, 12, HT_STREAM_LOST, NULL, 0);
	is_int(broken(&built), 6, "a size that can not be is the end");
	free(built.bytes);
	ok(!stream_begins("HPTRSTM1HPTRSTM1", 16), "other files are none");
}

int main(void)
{
	leaks();
	wrong_frees();
	duplicates();
	restored();
	hostile();
	return tap_done();
}
