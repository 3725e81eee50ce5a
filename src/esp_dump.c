// SPDX-License-Identifier: MIT

/*
 * heap_trace's dumps, from a snapshot: ESP-IDF's texts of versions 4.4 and 5, and JSON. They differ from ESP-IDF's in one
 * thing: a backtrace ends with its last frame, and is not filled up with NULLs and colons.
 */

#include "esp.h"
#include "../include/heaptrace/esp_heap_trace.h"
#include "rendezvous.h"
#include "request.h"
#include "sort.h"

#include <errno.h>
#include <string.h>

/* Blocks of one backtrace, named by the first of them. */
struct group {
	uint64_t hash;
	uint64_t blocks, bytes;
	uint32_t first;
};

/* A dump that is being written. */
struct writing {
	const struct session_snapshot *snapshot;
	const struct esp_dump *dump;
	struct request out;
	uint32_t lines, top;  /* written, and how many may be */
	uint64_t alive, bytes; /* of records that are shown */
	uint32_t shown;
};

static void text(struct writing *w, const char *string)
{
	request_string(&w->out, string);
}

static void decimal(struct writing *w, uint64_t number)
{
	request_decimal(&w->out, number, 0, ' ');
}

static bool is_freed(const struct record *record)
{
	return record->state == RECORD_FREED;
}

static bool is_shown(const struct writing *w, uint32_t index)
{
	const uint32_t both = MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM;
	const struct record *record = session_snapshot_record(w->snapshot, index);

	if (record->sequence < w->dump->since)
		return false;
	if ((w->dump->caps & both) == both)
		return true;
	switch (w->snapshot->regions[index]) {
	case REGION_HEAP: case REGION_ARENA: return w->dump->caps & MALLOC_CAP_INTERNAL;
	case REGION_MMAP: return w->dump->caps & MALLOC_CAP_SPIRAM;
	default: return false;
	}
}

static void add_up(struct writing *w)
{
	for (uint32_t i = 0; i < w->snapshot->count; i++) {
		const struct record *record = session_snapshot_record(w->snapshot, i);

		if (!is_shown(w, i))
			continue;
		w->shown++;
		if (is_freed(record))
			continue;
		w->alive++;
		w->bytes += record->size;
	}
}

static void write_frames(struct writing *w, const uintptr_t *frames, uint32_t depth)
{
	for (uint32_t i = 0; i < depth; i++) {
		if (i)
			text(w, ":");
		request_pointer(&w->out, frames[i]);
	}
}

static void write_symbols(struct writing *w, const uintptr_t *frames, uint32_t depth)
{
	for (uint32_t i = 0; w->dump->flags & HEAP_TRACE_DUMP_SYMBOLS && i < depth; i++)
		request_symbol(&w->out, frames[i]);
}

static void write_when(struct writing *w, const struct record *record)
{
	text(w, ") allocated CPU ");
	decimal(w, record->cpu);
	text(w, " ccount 0x");
	request_hex(&w->out, (uint32_t)record->ns & ~3u, 8, '0');
}

/* "\nfreed by 0x...:0x...", which begins a line of its own. */
static void write_free(struct writing *w, const struct record *record)
{
	text(w, "\nfreed by ");
	write_frames(w, record->frames + w->snapshot->depth, record->freed_depth);
	text(w, "\n");
}

static void write_symbols_of(struct writing *w, const struct record *record)
{
	write_symbols(w, record->frames, record->allocated_depth);
	write_symbols(w, record->frames + w->snapshot->depth, record->freed_depth);
}

static void write_record_v4(struct writing *w, uint32_t index)
{
	const struct record *record = session_snapshot_record(w->snapshot, index);

	decimal(w, record->size);
	text(w, " bytes (@ ");
	request_pointer(&w->out, record->address);
	write_when(w, record);
	text(w, " caller ");
	write_frames(w, record->frames, record->allocated_depth);
	if (is_freed(record))
		write_free(w, record);
	else
		text(w, "\n");
	write_symbols_of(w, record);
}

static const char *label(enum session_region region)
{
	switch (region) {
	case REGION_HEAP: case REGION_ARENA: return ", Internal";
	case REGION_MMAP: return ",    PSRAM";
	default: return "";
	}
}

static void write_record_v5(struct writing *w, uint32_t index)
{
	const struct record *record = session_snapshot_record(w->snapshot, index);

	request_decimal(&w->out, record->size, 6, ' ');
	text(w, " bytes (@ ");
	request_pointer(&w->out, record->address);
	text(w, label(w->snapshot->regions[index]));
	write_when(w, record);
	if (record->allocated_depth) {
		text(w, " caller ");
		write_frames(w, record->frames, record->allocated_depth);
	}
	if (!is_freed(record))
		text(w, "\n");
	else if (record->freed_depth)
		write_free(w, record);
	else
		text(w, " freed\n");
	write_symbols_of(w, record);
}

static void write_group(struct writing *w, const struct group *group)
{
	const struct record *record = session_snapshot_record(w->snapshot, group->first);

	request_decimal(&w->out, group->bytes, 6, ' ');
	text(w, " bytes in ");
	decimal(w, group->blocks);
	text(w, group->blocks == 1 ? " allocation" : " allocations");
	if (record->allocated_depth) {
		text(w, " caller ");
		write_frames(w, record->frames, record->allocated_depth);
	}
	text(w, "\n");
	write_symbols(w, record->frames, record->allocated_depth);
}

static uint64_t hash_frames(const struct record *record)
{
	uint64_t hash = record->allocated_depth;

	for (uint32_t i = 0; i < record->allocated_depth; i++) {
		hash = (hash ^ record->frames[i]) * 0x9fb21c651e98df25ull;
		hash ^= hash >> 32;
	}
	return hash ? hash : 1;
}

static bool same_frames(const struct record *a, const struct record *b)
{
	return a->allocated_depth == b->allocated_depth &&
	       !memcmp(a->frames, b->frames, a->allocated_depth * sizeof(*a->frames));
}

/* The record's group, in a table that has room for more than all. */
static struct group *find_group(struct writing *w, struct group *groups, uint32_t mask, uint32_t index)
{
	const struct record *record = session_snapshot_record(w->snapshot, index);
	uint64_t hash = hash_frames(record);

	for (uint32_t at = (uint32_t)(hash >> 20) & mask;; at = (at + 1) & mask) {
		struct group *group = &groups[at];

		if (!group->hash)
			*group = (struct group){.hash = hash, .first = index};
		if (group->hash == hash && same_frames(session_snapshot_record(w->snapshot, group->first), record))
			return group;
	}
}

static bool has_less(const void *things, uint32_t a, uint32_t b)
{
	const struct group *groups = things;

	return groups[a].bytes < groups[b].bytes || (groups[a].bytes == groups[b].bytes && groups[a].first > groups[b].first);
}

static uint32_t collect_groups(struct writing *w, struct group *groups, uint32_t mask, uint32_t *numbers)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < w->snapshot->count; i++) {
		const struct record *record = session_snapshot_record(w->snapshot, i);

		if (!is_shown(w, i) || is_freed(record))
			continue;
		struct group *group = find_group(w, groups, mask, i);

		if (!group->blocks++)
			numbers[count++] = (uint32_t)(group - groups);
		group->bytes += record->size;
	}
	return count;
}

static int write_groups(struct writing *w)
{
	uint32_t mask = 63, count;

	while (mask < w->snapshot->count * 2)
		mask = mask * 2 + 1;
	size_t size = (mask + 1) * (sizeof(struct group) + sizeof(uint32_t));
	struct group *groups = memory_map(size);

	if (!groups)
		return -ENOMEM;
	uint32_t *numbers = (uint32_t *)(groups + mask + 1);

	count = collect_groups(w, groups, mask, numbers);
	sort_numbers(numbers, count, has_less, groups);
	for (uint32_t i = 0; i < count && w->lines++ < w->top; i++)
		write_group(w, &groups[numbers[i]]);
	memory_unmap(groups, size);
	return 0;
}

static int write_lines(struct writing *w, void (*write)(struct writing *, uint32_t))
{
	if (w->dump->flags & HEAP_TRACE_DUMP_GROUPED)
		return write_groups(w);
	for (uint32_t i = 0; i < w->snapshot->count; i++) {
		if (is_shown(w, i) && w->lines++ < w->top)
			write(w, i);
	}
	return 0;
}

static void write_alive(struct writing *w)
{
	decimal(w, w->bytes);
	if (w->snapshot->mode == SESSION_LEAKS) {
		text(w, " bytes 'leaked' in trace (");
	} else {
		text(w, " bytes alive in trace (");
		decimal(w, w->alive);
		text(w, "/");
	}
	decimal(w, w->snapshot->mode == SESSION_LEAKS ? w->alive : w->snapshot->count);
	text(w, " allocations)\n");
}

static void write_losses(struct writing *w, const char *nb)
{
	const struct session_figures *figures = &w->snapshot->figures;

	if (!figures->evicted && !figures->dropped)
		return;
	text(w, nb);
	text(w, "(NB: ");
	decimal(w, figures->evicted + figures->dropped);
	text(w, figures->evicted ? " records evicted; raise num_records to at least " :
				   " records not taken; raise num_records to at least ");
	decimal(w, figures->high_water + figures->evicted + figures->dropped);
	text(w, ".)\n");
}

static int write_v4(struct writing *w)
{
	const struct session_snapshot *snapshot = w->snapshot;

	decimal(w, snapshot->count);
	text(w, " allocations trace (");
	decimal(w, snapshot->capacity);
	text(w, " entry buffer)\n");
	int error = write_lines(w, write_record_v4);

	write_alive(w);
	text(w, "total allocations ");
	decimal(w, snapshot->figures.allocations);
	text(w, " total frees ");
	decimal(w, snapshot->figures.frees);
	text(w, "\n");
	write_losses(w, "(NB: Buffer has overflowed, so trace data is incomplete.)\n");
	return error;
}

static int write_v5(struct writing *w)
{
	const struct session_snapshot *snapshot = w->snapshot;

	text(w, "====== Heap Trace: ");
	decimal(w, snapshot->count);
	text(w, " records (");
	decimal(w, snapshot->capacity);
	text(w, " capacity) ======\n");
	int error = write_lines(w, write_record_v5);

	text(w, "====== Heap Trace Summary ======\n");
	text(w, snapshot->mode == SESSION_LEAKS ? "Mode: Heap Trace Leaks\n" : "Mode: Heap Trace All\n");
	write_alive(w);
	text(w, "records: ");
	decimal(w, snapshot->count);
	text(w, " (");
	decimal(w, snapshot->capacity);
	text(w, " capacity, ");
	decimal(w, snapshot->figures.high_water);
	text(w, " high water mark)\ntotal allocations: ");
	decimal(w, snapshot->figures.allocations);
	text(w, "\ntotal frees: ");
	decimal(w, snapshot->figures.frees);
	text(w, "\n");
	write_losses(w, "(NB: Internal Buffer has overflowed, so trace data is incomplete.)\n");
	text(w, "================================\n");
	return error;
}

static void member(struct writing *w, const char *key, uint64_t number)
{
	text(w, key);
	decimal(w, number);
}

static void write_json_frames(struct writing *w, const char *key, const uintptr_t *frames, uint32_t depth)
{
	text(w, key);
	for (uint32_t i = 0; i < depth; i++) {
		text(w, i ? ",\"" : "\"");
		request_pointer(&w->out, frames[i]);
		text(w, "\"");
	}
	text(w, "]");
}

static void write_json_record(struct writing *w, uint32_t index)
{
	static const char *const regions[] = {[REGION_OTHER] = "other", [REGION_HEAP] = "heap", [REGION_ARENA] = "arena",
					      [REGION_MMAP] = "mmap"};
	const struct record *record = session_snapshot_record(w->snapshot, index);

	text(w, w->lines > 1 ? ",\n{\"address\":\"" : "\n{\"address\":\"");
	request_pointer(&w->out, record->address);
	member(w, "\",\"size\":", record->size);
	member(w, ",\"number\":", record->sequence);
	member(w, ",\"ns\":", record->ns);
	member(w, ",\"cpu\":", record->cpu);
	text(w, ",\"region\":\"");
	text(w, regions[w->snapshot->regions[index]]);
	text(w, is_freed(record) ? "\",\"freed\":true" : "\",\"freed\":false");
	write_json_frames(w, ",\"alloced_by\":[", record->frames, record->allocated_depth);
	write_json_frames(w, ",\"freed_by\":[", record->frames + w->snapshot->depth, record->freed_depth);
	text(w, "}");
}

static int write_json(struct writing *w)
{
	const struct session_snapshot *snapshot = w->snapshot;
	const struct session_figures *figures = &snapshot->figures;

	text(w, "{\"version\":1,\"mode\":");
	text(w, snapshot->mode == SESSION_LEAKS ? "\"leaks\"" : "\"all\"");
	member(w, ",\"count\":", snapshot->count);
	member(w, ",\"capacity\":", snapshot->capacity);
	member(w, ",\"high_water_mark\":", figures->high_water);
	member(w, ",\"total_allocations\":", figures->allocations);
	member(w, ",\"total_frees\":", figures->frees);
	member(w, ",\"unmatched_frees\":", figures->unmatched_frees);
	member(w, ",\"missed_frees\":", figures->missed_frees);
	member(w, ",\"evicted\":", figures->evicted);
	member(w, ",\"dropped\":", figures->dropped);
	member(w, ",\"failed_allocs\":", figures->failed);
	member(w, ",\"stop_gap_frees\":", figures->stop_gap_frees);
	member(w, ",\"missed_events\":", figures->missed);
	member(w, ",\"bytes_live\":", figures->bytes_live);
	member(w, ",\"bytes_peak\":", figures->bytes_peak);
	member(w, ",\"alive\":{\"blocks\":", w->alive);
	member(w, ",\"bytes\":", w->bytes);
	text(w, "},\"records\":[");
	write_lines(w, write_json_record);
	text(w, "]}\n");
	return 0;
}

static bool default_is_v4(void)
{
	const char *format = environment("HEAPTRACE_DUMP_FORMAT");

	return format && format[0] == 'v' && format[1] == '4';
}

int esp_dump_write(const struct session_snapshot *snapshot, const struct esp_dump *dump, int fd)
{
	unsigned flags = dump->flags;
	struct writing w = {.snapshot = snapshot, .dump = dump, .top = flags >> 16 ? flags >> 16 : UINT32_MAX};
	int error, written;

	add_up(&w);
	request_text_begin(&w.out, fd);
	if (flags & HEAP_TRACE_DUMP_JSON)
		error = write_json(&w);
	else if (flags & HEAP_TRACE_DUMP_V4 || (!(flags & HEAP_TRACE_DUMP_V5) && default_is_v4()))
		error = write_v4(&w);
	else
		error = write_v5(&w);
	written = request_text_end(&w.out);
	return error ? error : written;
}
