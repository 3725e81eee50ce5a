// SPDX-License-Identifier: MIT

#include "records.h"
#include "guest.h"
#include "sort.h"

#include <string.h>

#define CHUNK_SLOTS 1024u
#define FIRST_HEADS 1024u

static uint32_t power_above(uint32_t least)
{
	uint32_t power = FIRST_HEADS;

	while (power < least)
		power *= 2;
	return power;
}

static void reset(struct records *records)
{
	records->used = records->count = records->moving = records->cursor_index = 0;
	records->oldest = records->newest = records->empty = records->cursor = NO_RECORD;
	records->sequence = 0;
}

bool records_open(struct records *records, uint32_t capacity, uint32_t limit, uint32_t depth)
{
	if (!capacity || capacity > limit || limit > RECORDS_MAX || depth > RECORDS_MAX_DEPTH)
		return false;
	*records = (struct records){.capacity = capacity, .limit = limit, .depth = depth,
				    .stride = sizeof(struct record) + 2 * depth * sizeof(uintptr_t)};
	records->chunks_size = (limit / CHUNK_SLOTS + 1) * sizeof(*records->chunks);
	records->mask = power_above(capacity) - 1;
	records->chunks = memory_map(records->chunks_size);
	records->heads = memory_map(((size_t)records->mask + 1) * sizeof(*records->heads));
	if (!records->chunks || !records->heads) {
		records_close(records);
		return false;
	}
	reset(records);
	return true;
}

void records_close(struct records *records)
{
	for (uint32_t i = 0; records->chunks && i < records->chunks_size / sizeof(*records->chunks); i++) {
		if (!records->chunks[i])
			break;
		memory_unmap(records->chunks[i], CHUNK_SLOTS * records->stride);
	}
	if (records->chunks)
		memory_unmap(records->chunks, records->chunks_size);
	if (records->heads)
		memory_unmap(records->heads, ((size_t)records->mask + 1) * sizeof(*records->heads));
	*records = (struct records){0};
}

struct record *records_slot(const struct records *records, uint32_t slot)
{
	if (slot >= records->used)
		return NULL;
	return (struct record *)(records->chunks[slot / CHUNK_SLOTS] + slot % CHUNK_SLOTS * records->stride);
}

void records_clear(struct records *records)
{
	for (uint32_t slot = 0; slot < records->used; slot++)
		records_slot(records, slot)->sequence = 0;
	memset(records->heads, 0, ((size_t)records->mask + 1) * sizeof(*records->heads));
	reset(records);
}

static uint32_t *head_of(const struct records *records, uintptr_t address)
{
	return &records->heads[(uint32_t)(address * 0x9e3779b97f4a7c15ull >> 32) & records->mask];
}

uint32_t records_find(const struct records *records, uintptr_t address)
{
	for (uint32_t at = *head_of(records, address); at;) {
		struct record *record = records_slot(records, at - 1);

		if (record->address == address)
			return at - 1;
		at = record->chain;
	}
	return NO_RECORD;
}

static void enter(struct records *records, uint32_t slot)
{
	struct record *record = records_slot(records, slot);
	uint32_t *head = head_of(records, record->address);

	record->chain = *head;
	*head = slot + 1;
}

static void leave(struct records *records, uint32_t slot)
{
	uint32_t *at = head_of(records, records_slot(records, slot)->address);

	while (*at && *at != slot + 1)
		at = &records_slot(records, *at - 1)->chain;
	if (*at)
		*at = records_slot(records, slot)->chain;
}

static void set_state(struct records *records, struct record *record, enum record_state state)
{
	records->moving -= record->state == RECORD_MOVING;
	records->moving += state == RECORD_MOVING;
	record->state = (uint8_t)state;
}

void records_hide(struct records *records, uint32_t slot, enum record_state state)
{
	struct record *record = records_slot(records, slot);

	if (record->state == RECORD_LIVE)
		leave(records, slot);
	set_state(records, record, state);
}

void records_show(struct records *records, uint32_t slot)
{
	set_state(records, records_slot(records, slot), RECORD_LIVE);
	enter(records, slot);
}

/* Chains stay short because there are as many heads as slots. Without memory for more they only get longer. */
static void grow(struct records *records)
{
	uint32_t capacity = records->capacity > records->limit / 2 ? records->limit : records->capacity * 2;
	uint32_t mask = power_above(capacity) - 1, *heads, *old = records->heads;
	size_t size = ((size_t)records->mask + 1) * sizeof(*old);

	records->capacity = capacity;
	if (mask == records->mask || !(heads = memory_map(((size_t)mask + 1) * sizeof(*heads))))
		return;
	records->heads = heads;
	records->mask = mask;
	for (uint32_t slot = 0; slot < records->used; slot++) {
		struct record *record = records_slot(records, slot);

		if (record->sequence && record->state == RECORD_LIVE)
			enter(records, slot);
	}
	memory_unmap(old, size);
}

static uint32_t take_slot(struct records *records)
{
	uint32_t slot = records->empty;

	if (slot != NO_RECORD) {
		records->empty = records_slot(records, slot)->chain;
		return slot;
	}
	if (records->used == records->capacity) {
		if (records->capacity == records->limit)
			return NO_RECORD;
		grow(records);
	}
	slot = records->used;
	char **chunk = &records->chunks[slot / CHUNK_SLOTS];

	if (!*chunk && !(*chunk = memory_map(CHUNK_SLOTS * records->stride)))
		return NO_RECORD;
	records->used++;
	return slot;
}

static void append(struct records *records, uint32_t slot)
{
	struct record *record = records_slot(records, slot);

	record->older = records->newest;
	record->newer = NO_RECORD;
	if (records->newest != NO_RECORD)
		records_slot(records, records->newest)->newer = slot;
	else
		records->oldest = slot;
	records->newest = slot;
	records->count++;
}

uint32_t records_add(struct records *records, uintptr_t address)
{
	uint32_t slot = take_slot(records);

	if (slot == NO_RECORD)
		return slot;
	struct record *record = records_slot(records, slot);

	record->address = address;
	record->state = RECORD_LIVE;
	record->allocated_depth = record->freed_depth = 0;
	append(records, slot);
	enter(records, slot);
	store_release(&record->sequence, ++records->sequence);
	return slot;
}

/* Who goes through the records by index goes on where he was. */
static void move_cursor(struct records *records, uint32_t slot)
{
	const struct record *record = records_slot(records, slot);

	if (records->cursor == NO_RECORD)
		return;
	if (records->cursor == slot)
		records->cursor = record->newer;
	else if (record->sequence < records_slot(records, records->cursor)->sequence)
		records->cursor_index--;
}

void records_remove(struct records *records, uint32_t slot)
{
	struct record *record = records_slot(records, slot);

	move_cursor(records, slot);
	if (record->state == RECORD_LIVE)
		leave(records, slot);
	set_state(records, record, RECORD_LIVE);
	store_release(&record->sequence, 0);
	if (record->older != NO_RECORD)
		records_slot(records, record->older)->newer = record->newer;
	else
		records->oldest = record->newer;
	if (record->newer != NO_RECORD)
		records_slot(records, record->newer)->older = record->older;
	else
		records->newest = record->older;
	record->chain = records->empty;
	records->empty = slot;
	records->count--;
}

uint32_t records_at(struct records *records, uint32_t index)
{
	if (index >= records->count)
		return NO_RECORD;
	if (records->cursor == NO_RECORD || index < records->cursor_index / 2) {
		records->cursor = records->oldest;
		records->cursor_index = 0;
	}
	for (; records->cursor_index < index; records->cursor_index++)
		records->cursor = records_slot(records, records->cursor)->newer;
	for (; records->cursor_index > index; records->cursor_index--)
		records->cursor = records_slot(records, records->cursor)->older;
	return records->cursor;
}

static bool is_newer(const void *records, uint32_t a, uint32_t b)
{
	return records_slot(records, a)->sequence > records_slot(records, b)->sequence;
}

static void relink(struct records *records, uint32_t *slots)
{
	uint32_t count = 0, used = records->used;
	uint64_t sequence = records->sequence;

	memset(records->heads, 0, ((size_t)records->mask + 1) * sizeof(*records->heads));
	reset(records);
	records->used = used;
	records->sequence = sequence;
	for (uint32_t slot = used; slot-- > 0;) {
		struct record *record = records_slot(records, slot);

		if (record->sequence) {
			slots[count++] = slot;
			continue;
		}
		record->chain = records->empty;
		records->empty = slot;
	}
	sort_numbers(slots, count, is_newer, records);
	for (uint32_t i = 0; i < count; i++) {
		append(records, slots[i]);
		/* Who was moving a block is no more. */
		if (records_slot(records, slots[i])->state == RECORD_MOVING)
			records_slot(records, slots[i])->state = RECORD_LIVE;
		if (records_slot(records, slots[i])->state == RECORD_LIVE)
			enter(records, slots[i]);
	}
}

void records_repair(struct records *records)
{
	size_t size = (size_t)(records->used + 1) * sizeof(uint32_t);
	uint32_t *slots = memory_map(size);

	if (!slots) {
		records_clear(records);
		return;
	}
	relink(records, slots);
	memory_unmap(slots, size);
}
