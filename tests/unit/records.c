// SPDX-License-Identifier: MIT

/* A session's records against a plain list: the same blocks in the same order, found by address and by number. */

#include "../../src/records.c"
#include "../../src/sort.c"

#include <stdlib.h>

#include "../lib/tap.h"

#define MOST 3000u

static size_t mapped; /* bytes that are not given back */

void *memory_map(size_t size)
{
	mapped += size;
	return calloc(1, size);
}

void memory_unmap(void *address, size_t size)
{
	mapped -= size;
	free(address);
}

/* What the records should be. */
static struct plain {
	uintptr_t address;
	enum record_state state;
	uint32_t slot;
} list[MOST];
static uint32_t count;

static uint32_t find_plain(uintptr_t address)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i].address == address && list[i].state == RECORD_LIVE)
			return i;
	return NO_RECORD;
}

static void remove_plain(uint32_t i)
{
	memmove(&list[i], &list[i + 1], (--count - i) * sizeof(*list));
}

static bool is_same(struct records *records, unsigned *seed)
{
	uint64_t before = 0;

	if (records->count != count)
		return false;
	for (uint32_t n = 0; n < count && n < 50; n++) {
		uint32_t i = n < 25 ? n % count : (uint32_t)rand_r(seed) % count, slot = records_at(records, i);
		const struct record *record = slot == NO_RECORD ? NULL : records_slot(records, slot);

		if (!record || slot != list[i].slot || record->address != list[i].address || record->state != list[i].state)
			return false;
	}
	for (uint32_t i = 0, slot = records->oldest; i < count; i++, slot = records_slot(records, slot)->newer) {
		if (slot != list[i].slot || records_slot(records, slot)->sequence <= before)
			return false;
		before = records_slot(records, slot)->sequence;
	}
	return records_at(records, count) == NO_RECORD;
}

static bool add(struct records *records, uintptr_t address)
{
	uint32_t slot, full = records->capacity == records->limit && count == records->limit;

	if (find_plain(address) != NO_RECORD)
		return true;
	slot = records_add(records, address);
	if (slot == NO_RECORD)
		return full;
	list[count++] = (struct plain){address, RECORD_LIVE, slot};
	return !full && records_slot(records, slot)->sequence;
}

static bool change(struct records *records, uint32_t i, unsigned how)
{
	struct plain *plain = &list[i];

	switch (how % 8) {
	case 0:
		records_hide(records, plain->slot, RECORD_FREED);
		plain->state = RECORD_FREED;
		return true;
	case 1:
		if (plain->state != RECORD_LIVE)
			return true;
		records_hide(records, plain->slot, RECORD_MOVING);
		if (records_find(records, plain->address) != NO_RECORD || records->moving != 1)
			return false;
		records_show(records, plain->slot);
		return !records->moving;
	default:
		records_remove(records, plain->slot);
		if (records_slot(records, plain->slot)->sequence)
			return false;
		remove_plain(i);
		return true;
	}
}

/* Everything but the slots is lost. */
static bool repair(struct records *records)
{
	memset(records->heads, 0xff, ((size_t)records->mask + 1) * sizeof(*records->heads));
	records->oldest = records->newest = records->empty = records->cursor = 12345;
	records->count = records->moving = 99;
	for (uint32_t slot = 0; slot < records->used; slot++) {
		struct record *record = records_slot(records, slot);

		record->chain = record->older = record->newer = 777;
	}
	for (uint32_t i = 0; i < count; i++)
		if (list[i].state == RECORD_LIVE && i % 3 == 0)
			records_slot(records, list[i].slot)->state = RECORD_MOVING;
	records_repair(records);
	return records->count == count && !records->moving;
}

static bool find_all(struct records *records)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i].state == RECORD_LIVE && records_find(records, list[i].address) != list[i].slot)
			return false;
	return records_find(records, 8) == NO_RECORD;
}

static void play(uint32_t capacity, uint32_t limit, unsigned seed)
{
	struct records records;
	bool good;

	count = 0;
	good = records_open(&records, capacity, limit, 4);
	for (unsigned step = 0; good && step < 20000; step++) {
		unsigned r = (unsigned)rand_r(&seed);

		/* Now more blocks come, now more go. */
		if (!count || r % 100 < (step / 2500 % 2 ? 35u : 65u))
			good = add(&records, 16 * (1 + (uintptr_t)rand_r(&seed) % 5000));
		else
			good = change(&records, (uint32_t)rand_r(&seed) % count, r >> 8);
		if (good && step % 97 == 0)
			good = is_same(&records, &seed) && find_all(&records);
		if (good && step % 4999 == 4998)
			good = repair(&records) && is_same(&records, &seed) && find_all(&records);
		if (good && step == 15000) {
			records_clear(&records);
			count = 0;
		}
	}
	ok(good, "20,000 changes of %u to %u records", capacity, limit);
	records_close(&records);
	is_int(mapped, 0, "all memory is given back");
}

static void slots(void)
{
	struct records records;
	bool good = records_open(&records, 100, 100, 0);

	for (uint32_t i = 0; i < 100; i++)
		good &= records_add(&records, 64 * (i + 1)) == i;
	ok(good, "slots are filled 0, 1, 2");
	is_int(records_add(&records, 8), NO_RECORD, "until there is none");
	records_remove(&records, 17);
	records_remove(&records, 3);
	is_int(records_add(&records, 7000), 3, "an emptied one is the next");
	is_int(records_add(&records, 7016), 17, "then the one before");
	records_close(&records);
	ok(!records_open(&records, 0, 0, 0) && !records_open(&records, 1, RECORDS_MAX + 1, 0) &&
	   !records_open(&records, 2, 1, 0) && !records_open(&records, 1, 1, RECORDS_MAX_DEPTH + 1), "what can not be is refused");
	is_int(mapped, 0, "and takes nothing");
}

int main(void)
{
	slots();
	play(1, 1, 1);
	play(16, 16, 2);
	play(1000, 1000, 3);
	play(1, MOST, 4);
	play(5, 1500, 5);
	return tap_done();
}
