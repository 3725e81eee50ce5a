// SPDX-License-Identifier: MIT

/*
 * Records lie in slots 0, 1, 2 ... of one array; slots that become free are used again, the last one first. Two kinds of
 * links, both slot numbers + 1: a list in the order of allocation, and chains of a hash over addresses, the newest first,
 * so that an address which was given out again means the newest of its records.
 */

#include "recorder.h"

#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

void *recorder_map(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void recorder_unmap(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

static struct record *at(const struct recorder *recorder, uint32_t link)
{
	return link ? (struct record *)(recorder->records + (link - 1) * recorder->stride) : NULL;
}

static uint32_t link_of(const struct recorder *recorder, const struct record *record)
{
	return (uint32_t)(((const char *)record - recorder->records) / recorder->stride) + 1;
}

static uint32_t *head_of(const struct recorder *recorder, const void *block)
{
	uint64_t hash = (uint64_t)(uintptr_t)block * 0x9e3779b97f4a7c15ull;

	return &recorder->heads[hash >> 32 & recorder->mask];
}

void recorder_close(struct recorder *recorder)
{
	recorder_unmap(recorder->records, recorder->capacity * recorder->stride);
	recorder_unmap(recorder->heads, ((size_t)recorder->mask + 1) * sizeof(*recorder->heads));
	*recorder = (struct recorder) { 0 };
}

int recorder_init(struct recorder *recorder, uint32_t capacity, unsigned depth)
{
	uint32_t buckets = 64;

	recorder_close(recorder);
	while (buckets < capacity && buckets < 1u << 30)
		buckets *= 2;
	recorder->capacity = capacity;
	recorder->depth = depth;
	recorder->stride = sizeof(struct record) + depth * sizeof(struct lua_line);
	recorder->mask = buckets - 1;
	recorder->records = recorder_map(capacity * recorder->stride);
	recorder->heads = recorder_map(buckets * sizeof(*recorder->heads));
	if (!recorder->records || !recorder->heads) {
		recorder_close(recorder);
		return CODE_NO_MEM;
	}
	recorder->state = STATE_READY;
	return CODE_OK;
}

/* Everything but the buffer begins anew. */
static void clear(struct recorder *recorder)
{
	memset(recorder->heads, 0, ((size_t)recorder->mask + 1) * sizeof(*recorder->heads));
	recorder->count = recorder->high_water = recorder->touched = 0;
	recorder->oldest = recorder->newest = recorder->unused = recorder->visited = 0;
	recorder->allocations = recorder->frees = recorder->evicted = 0;
	recorder->outstanding = recorder->needed = 0;
}

int recorder_start(struct recorder *recorder, enum recorder_mode mode)
{
	if (recorder->state == STATE_NONE)
		return CODE_INVALID_STATE;
	clear(recorder);
	recorder->mode = mode;
	recorder->state = STATE_RUNNING;
	return CODE_OK;
}

int recorder_stop(struct recorder *recorder)
{
	if (recorder->state != STATE_RUNNING && recorder->state != STATE_PAUSED)
		return CODE_INVALID_STATE;
	recorder->state = STATE_STOPPED;
	return CODE_OK;
}

int recorder_pause(struct recorder *recorder)
{
	if (recorder->state != STATE_RUNNING)
		return CODE_INVALID_STATE;
	recorder->state = STATE_PAUSED;
	return CODE_OK;
}

static void unchain(struct recorder *recorder, struct record *record)
{
	uint32_t *link = head_of(recorder, record->address), own = link_of(recorder, record);

	while (*link && *link != own)
		link = &at(recorder, *link)->chain;
	if (*link)
		*link = record->chain;
}

static void drop(struct recorder *recorder, struct record *record)
{
	struct record *older = at(recorder, record->older), *newer = at(recorder, record->newer);

	unchain(recorder, record);
	*(older ? &older->newer : &recorder->oldest) = record->newer;
	*(newer ? &newer->older : &recorder->newest) = record->older;
	memset(record, 0, sizeof(*record));
	record->newer = recorder->unused;
	recorder->unused = link_of(recorder, record);
	recorder->count--;
}

int recorder_resume(struct recorder *recorder)
{
	struct record *record, *next;

	if (recorder->state == STATE_NONE || recorder->state == STATE_RUNNING)
		return CODE_INVALID_STATE;
	if (recorder->state == STATE_READY)
		recorder->mode = MODE_ALL;
	/* What was freed meanwhile is no leak. */
	for (record = recorder_first(recorder); record; record = next) {
		next = recorder_next(recorder, record);
		if (record->lost)
			drop(recorder, record);
	}
	recorder->state = STATE_RUNNING;
	return CODE_OK;
}

static struct record *take_slot(struct recorder *recorder)
{
	struct record *record;

	if (recorder->count == recorder->capacity) {
		drop(recorder, recorder_first(recorder));
		recorder->evicted++;
	}
	if (recorder->unused) {
		record = at(recorder, recorder->unused);
		recorder->unused = record->newer;
	} else {
		record = at(recorder, ++recorder->touched);
	}
	return record;
}

static void stamp(struct record *record)
{
	struct timespec now;
	int cpu = sched_getcpu();

	clock_gettime(CLOCK_MONOTONIC, &now);
	record->cpu = cpu < 0 ? 0 : (uint32_t)cpu;
	record->cycles = (uint32_t)((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) & ~3u;
	record->cycles |= record->cpu & 1;
}

struct record *recorder_allocated(struct recorder *recorder, void *block, size_t size)
{
	struct record *record, *newest;
	uint32_t *head, link;

	if (recorder->state != STATE_RUNNING)
		return NULL;
	recorder->allocations++;
	if (++recorder->outstanding > recorder->needed)
		recorder->needed = recorder->outstanding;
	record = take_slot(recorder);
	*record = (struct record) { .address = block, .size = size, .sequence = ++recorder->sequence };
	stamp(record);

	link = link_of(recorder, record);
	head = head_of(recorder, block);
	record->chain = *head;
	*head = link;
	record->older = recorder->newest;
	newest = at(recorder, recorder->newest);
	*(newest ? &newest->newer : &recorder->oldest) = link;
	recorder->newest = link;
	if (++recorder->count > recorder->high_water)
		recorder->high_water = recorder->count;
	return record;
}

void recorder_freed(struct recorder *recorder, const void *block)
{
	struct record *record;

	if (recorder->state < STATE_RUNNING)
		return;
	record = recorder_find(recorder, block);
	if (recorder->state == STATE_STOPPED) {
		if (record)
			record->lost = true;
		return;
	}
	recorder->frees++;
	if (recorder->outstanding)
		recorder->outstanding--;
	if (!record)
		return;
	if (recorder->mode == MODE_ALL)
		record->freed = true;
	else
		drop(recorder, record);
}

struct record *recorder_first(const struct recorder *recorder)
{
	return at(recorder, recorder->oldest);
}

struct record *recorder_next(const struct recorder *recorder, const struct record *record)
{
	return at(recorder, record->newer);
}

struct record *recorder_find(const struct recorder *recorder, const void *block)
{
	struct record *record;

	if (!recorder->heads)
		return NULL;
	record = at(recorder, *head_of(recorder, block));
	while (record && (record->address != block || record->freed || record->lost))
		record = at(recorder, record->chain);
	return record;
}

const struct record *recorder_match(const struct recorder *recorder, const void *block, size_t size, uint64_t below)
{
	const struct record *record = recorder->heads ? at(recorder, *head_of(recorder, block)) : NULL;

	while (record && (record->address != block || record->size != size || record->sequence >= below))
		record = at(recorder, record->chain);
	return record;
}

struct record *recorder_after(struct recorder *recorder, uint64_t sequence)
{
	struct record *record = at(recorder, recorder->visited);

	record = record && sequence && record->sequence == sequence ? record : recorder_first(recorder);
	while (record && record->sequence <= sequence)
		record = recorder_next(recorder, record);
	recorder->visited = record ? link_of(recorder, record) : 0;
	return record;
}
