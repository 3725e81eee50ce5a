// SPDX-License-Identifier: MIT

/* A model's past, from the collector itself or from the chunks of a snapshot: made to agree with its present. */

#include <stdlib.h>

#include "history.h"
#include "model_build.h"

/** What the snapshot's chunks say. */
static struct history *read_chunks(struct model *model, const struct snapshot *snapshot)
{
	size_t count;
	const struct chunk *chunks = snapshot_chunks(snapshot, model->number, &count);
	struct history *history = history_new(0);

	for (size_t i = 0; i < count; i++) {
		if (chunks[i].kind == HT_CHUNK_TIMELINE)
			model->corrupt_records += history_read_timeline(history, (const struct ht_chunk *)chunks[i].data,
									chunks[i].size);
	}
	return history;
}

/** The figures of the model's own moment. */
static struct timeline_point last_point(const struct model *model, uint64_t before_ns)
{
	struct timeline_point point = {
		.ns = model->now_ns,
		.live_bytes = model->totals.live_bytes,
		.live_blocks = model->totals.live_blocks,
		.allocations = model->totals.allocations,
		.allocated_bytes = model->totals.allocated_bytes,
		.rss = model->host.statm.ns ? model->host.statm.resident : UNKNOWN_FIGURE,
		.allocator_arena = UNKNOWN_FIGURE,
		.allocator_hblkhd = UNKNOWN_FIGURE,
		.allocator_uordblks = UNKNOWN_FIGURE,
	};

	if (model->allocator_ns && model->allocator_ns >= before_ns) {
		point.allocator_arena = model->allocator_arena;
		point.allocator_hblkhd = model->allocator_hblkhd;
		point.allocator_uordblks = model->allocator_uordblks;
	}
	return point;
}

static void set_timeline(struct model *model, const struct history *history)
{
	struct timeline_point start = { .ns = model->start_ns, .rss = UNKNOWN_FIGURE, .allocator_arena = UNKNOWN_FIGURE,
					.allocator_hblkhd = UNKNOWN_FIGURE, .allocator_uordblks = UNKNOWN_FIGURE };
	uint64_t before_ns = 0;
	size_t count = 0;

	model->timeline = memory_zeroed(history->point_count + 2, sizeof(*model->timeline));
	if (model->start_ns < model->now_ns)
		model->timeline[count++] = start;
	for (size_t i = 0; i < history->point_count; i++) {
		const struct timeline_point *point = &history->points[i];

		if (point->ns <= model->start_ns || point->ns >= model->now_ns)
			continue;
		model->timeline[count++] = *point;
		before_ns = point->ns;
	}
	model->timeline[count++] = last_point(model, before_ns);
	model->timeline_count = count;
}

void model_set_history(struct model *model, const struct snapshot *snapshot, const struct host_facts *host)
{
	struct history *read = host ? NULL : read_chunks(model, snapshot), *none = history_new(0);
	const struct history *history = read ? read : host->history ? host->history : none;

	set_timeline(model, history);
	history_free(read);
	history_free(none);
}
