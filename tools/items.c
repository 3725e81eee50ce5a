// SPDX-License-Identifier: MIT

/* Items by number: see segment.h on how they are numbered, and model_build.h. */

#include "model_build.h"

#include <stdlib.h>

static int run_order(const void *a, const void *b)
{
	const struct item_run *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

/** Drop runs that begin before the one in front of them ends. @return how many */
static size_t drop_overlaps(struct items *items)
{
	size_t kept = 0, all = items->count;

	if (all)
		qsort(items->runs, all, sizeof(*items->runs), run_order);
	for (size_t i = 0; i < all; i++) {
		if (!kept || items->runs[i].first >= items->runs[kept - 1].end)
			items->runs[kept++] = items->runs[i];
	}
	items->count = kept;
	return all - kept;
}

size_t items_collect(struct items *items, const struct snapshot *snapshot, uint32_t process, uint32_t kind,
		     size_t item_size, size_t note_size, uint32_t limit)
{
	size_t room = 0, bad = 0, count;
	const struct chunk *chunks = snapshot_chunks(snapshot, process, &count);

	*items = (struct items) { .item_size = item_size, .note_size = note_size };
	items->skipped = (uint32_t)(sizeof(struct ht_chunk) / item_size);
	for (size_t i = 0; i < count; i++) {
		const struct chunk *chunk = &chunks[i];
		uint64_t end = chunk->first + chunk->size / item_size;

		if (chunk->kind != kind)
			continue;
		if (end > limit) {
			bad++;
			continue;
		}
		items->runs = memory_grow(items->runs, items->count, &room, sizeof(*items->runs));
		items->runs[items->count++] = (struct item_run) { chunk->first, (uint32_t)end, chunk->data, NULL };
	}
	bad += drop_overlaps(items);
	for (size_t i = 0; i < items->count; i++)
		items->runs[i].notes = memory_zeroed(items->runs[i].end - items->runs[i].first, note_size);
	return bad;
}

static bool run_holds(const struct item_run *run, uint32_t number)
{
	return number >= run->first && number < run->end;
}

static const struct item_run *find_run(struct items *items, uint32_t number)
{
	size_t low = 0, high = items->count;

	if (items->last < items->count && run_holds(&items->runs[items->last], number))
		return &items->runs[items->last];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (run_holds(&items->runs[middle], number)) {
			items->last = middle;
			return &items->runs[middle];
		}
		if (items->runs[middle].first > number)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const void *items_find(struct items *items, uint32_t number, void **note)
{
	const struct item_run *run = find_run(items, number);
	size_t place = run ? number - run->first : 0;

	if (!run || place < items->skipped)
		return NULL;
	*note = (char *)run->notes + place * items->note_size;
	return run->data + place * items->item_size;
}

void items_free(struct items *items)
{
	for (size_t i = 0; i < items->count; i++)
		free(items->runs[i].notes);
	free(items->runs);
	*items = (struct items) { 0 };
}
