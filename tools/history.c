// SPDX-License-Identifier: MIT

/* A process's past: see history.h. */

#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

_Static_assert(sizeof(struct ht_point) == sizeof(struct timeline_point) &&
	       offsetof(struct ht_point, rss) == offsetof(struct timeline_point, rss) &&
	       offsetof(struct ht_point, allocator_uordblks) == offsetof(struct timeline_point, allocator_uordblks),
	       "points are copied whole");

#define MOST_POINTS_READ 65536u /* of somebody else's file */

struct history *history_new(uint64_t interval_ns)
{
	struct history *history = memory_zeroed(1, sizeof(*history));

	history->interval_ns = interval_ns;
	return history;
}

void history_free(struct history *history)
{
	if (!history)
		return;
	history_drop_slices(history);
	free(history->slices);
	free(history->points);
	free(history);
}

/** Of each two neighbours behind the first point the one with more live bytes stays. */
static void thin_points(struct history *history)
{
	size_t kept = 1;

	for (size_t i = 1; i < history->point_count; i += 2) {
		const struct timeline_point *left = &history->points[i], *right = left + 1;
		bool alone = i + 1 == history->point_count;

		history->points[kept++] = alone || left->live_bytes > right->live_bytes ? *left : *right;
	}
	history->point_count = kept;
	if (history->interval_ns < UINT64_MAX / 4)
		history->interval_ns *= 2;
}

void history_add(struct history *history, const struct timeline_point *point)
{
	if (history->point_count && history->points[history->point_count - 1].ns >= point->ns)
		return;
	if (history->point_count >= HISTORY_POINTS)
		thin_points(history);
	history->points = memory_grow(history->points, history->point_count, &history->point_room,
				      sizeof(*history->points));
	history->points[history->point_count++] = *point;
}

struct ht_timeline *history_timeline_chunk(const struct history *history, uint32_t process)
{
	uint64_t bytes = history->point_count * sizeof(struct ht_point);
	struct ht_timeline *chunk = memory_zeroed(1, sizeof(*chunk) + bytes);

	*chunk = (struct ht_timeline) {
		.head = { .magic = HT_CHUNK_MAGIC, .kind = HT_CHUNK_TIMELINE, .size = sizeof(*chunk) + bytes,
			  .process = process },
		.count = (uint32_t)history->point_count,
		.item_size = sizeof(struct ht_point),
		.interval_ns = history->interval_ns,
	};
	if (bytes)
		memcpy(chunk + 1, history->points, bytes);
	return chunk;
}

/** Items that a chunk really holds. */
static uint32_t sound_count(const struct ht_timeline *chunk, uint64_t size)
{
	uint64_t room;

	if (size < sizeof(*chunk) || chunk->item_size < sizeof(struct ht_point))
		return 0;
	room = (size - sizeof(*chunk)) / chunk->item_size;
	if (room > MOST_POINTS_READ)
		room = MOST_POINTS_READ;
	return chunk->count < room ? chunk->count : (uint32_t)room;
}

size_t history_read_timeline(struct history *history, const struct ht_chunk *head, uint64_t size)
{
	const struct ht_timeline *chunk = (const struct ht_timeline *)head;
	uint32_t count = sound_count(chunk, size);
	size_t broken = size < sizeof(*chunk) || count < chunk->count;

	free(history->points);
	history->points = memory_zeroed(count, sizeof(*history->points));
	history->point_room = count;
	history->point_count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct timeline_point *point = &history->points[history->point_count];

		memcpy(point, (const uint8_t *)(chunk + 1) + (uint64_t)i * chunk->item_size, sizeof(*point));
		if (history->point_count && point[-1].ns >= point->ns)
			broken++;
		else
			history->point_count++;
	}
	if (size >= sizeof(*chunk))
		history->interval_ns = chunk->interval_ns;
	return broken;
}
