// SPDX-License-Identifier: MIT

/*
 * libFuzzer entry: a process's past as a snapshot has it. The first byte says how much of the input is the TIMELINE chunk's
 * body, in steps of 8 bytes; the rest is the SLICES chunk's. They are read, written and read again, thinned, and put into the
 * model of a sound segment, whose windows, list and massif file are made.
 */

#include <stdlib.h>
#include <string.h>

#include "../../tools/diff.h"
#include "../../tools/history.h"
#include "../../tools/report.h"
#include "../../tools/slices.h"
#include "../../tools/symbols.h"
#include "../../tools/times.h"
#include "../lib/build_segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A chunk with this body, aligned. To be freed. */
static struct ht_chunk *chunk_of(uint32_t kind, const uint8_t *body, size_t size)
{
	struct ht_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	*chunk = (struct ht_chunk) { .magic = HT_CHUNK_MAGIC, .kind = kind, .size = sizeof(*chunk) + size };
	if (size)
		memcpy(chunk + 1, body, size);
	return chunk;
}

static struct history *read_input(const uint8_t *data, size_t size)
{
	struct history *history = history_new(1);
	size_t first = size ? (size_t)*data * 8 : 0;
	struct ht_chunk *timeline, *slices;

	data += size > 0;
	size -= size > 0;
	if (first > size)
		first = size;
	timeline = chunk_of(HT_CHUNK_TIMELINE, data, first);
	slices = chunk_of(HT_CHUNK_SLICES, data + first, size - first);
	history_read_timeline(history, timeline, timeline->size);
	history_read_slices(history, slices, slices->size);
	free(timeline);
	free(slices);
	return history;
}

/** What was read once is sound: written and read again it is the same. */
static void check_round(const struct history *history)
{
	struct history *again = history_new(1);
	struct ht_timeline *timeline = history_timeline_chunk(history, 1);
	struct ht_slices *slices = history_slices_chunk(history, 1);

	if (history_read_timeline(again, &timeline->head, timeline->head.size) || again->point_count != history->point_count)
		abort();
	if (slices && (history_read_slices(again, &slices->head, slices->head.size) || again->slice_count != history->slice_count))
		abort();
	free(timeline);
	free(slices);
	history_free(again);
}

static void report(struct model *model)
{
	struct models models = { &model, 1 };
	struct options options;
	FILE *out = fopen("/dev/null", "w");

	options_defaults(&options);
	options.lines = false;
	options.quiet = true;
	options.outfile = "/dev/null";
	report_massif(out, &model, 1, &options);
	fclose(out);
	if (!model->slice_count)
		return;
	slices_report("input", &models, &options);
	options.window_from = options.window_to = TIME_OPEN;
	if (model->slice_count > 1 && window_report("input", &models, &options))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct built sound;
	struct host_facts facts = { .how_it_ended = "exit:0", .end_ns = 5000000000u };
	struct model *model;

	if (!sound.bytes)
		sound = build_seed();
	facts.history = read_input(data, size);
	check_round(facts.history);
	model = build_model(&sound, 1, &facts);
	report(model);
	model_free(model);
	for (unsigned i = 0; i < 300; i++)
		history_add_slice(facts.history, UINT64_MAX - 300 + i, i, NULL, 0);
	if (facts.history->slice_count > HISTORY_SLICES)
		abort();
	history_free(facts.history);
	symbols_forget();
	return 0;
}
