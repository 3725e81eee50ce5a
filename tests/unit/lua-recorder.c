// SPDX-License-Identifier: MIT

/*
 * The recorder of the Lua module against a list that is searched from end to end: after any sequence of events and changes
 * of state both have the same records, in the same order.
 */

#include "../lib/tap.h"
#include "../../tools/lua/recorder.c"

#include <stdlib.h>
#include <sys/resource.h>

#define ADDRESSES 40
#define STEPS 20000
#define LISTED 5000

struct listed {
	uintptr_t address;
	size_t size;
	bool freed, lost;
};

/* The same in the simplest way. */
static struct listed list[LISTED];
static size_t listed, capacity;
static enum recorder_mode mode;
static enum recorder_state state;
static uint64_t allocations, frees, evicted;

static void remove_at(size_t i)
{
	memmove(list + i, list + i + 1, (listed - i - 1) * sizeof(*list));
	listed--;
}

static void list_allocated(uintptr_t address, size_t size)
{
	if (state != STATE_RUNNING)
		return;
	allocations++;
	if (listed == capacity) {
		remove_at(0);
		evicted++;
	}
	list[listed++] = (struct listed){.address = address, .size = size};
}

static void list_freed(uintptr_t address)
{
	if (state < STATE_RUNNING)
		return;
	frees += state != STATE_STOPPED;
	for (size_t i = listed; i-- > 0;) {
		if (list[i].address != address || list[i].freed || list[i].lost)
			continue;
		if (state == STATE_STOPPED)
			list[i].lost = true;
		else if (mode == MODE_ALL)
			list[i].freed = true;
		else
			remove_at(i);
		return;
	}
}

static void list_start(enum recorder_mode wanted)
{
	mode = wanted;
	state = STATE_RUNNING;
	listed = 0;
	allocations = frees = evicted = 0;
}

static int list_resume(void)
{
	if (state == STATE_NONE || state == STATE_RUNNING)
		return CODE_INVALID_STATE;
	if (state == STATE_READY)
		mode = MODE_ALL;
	for (size_t i = listed; i-- > 0;)
		if (list[i].lost)
			remove_at(i);
	state = STATE_RUNNING;
	return CODE_OK;
}

static bool same(struct recorder *recorder)
{
	const struct record *record = recorder_first(recorder);
	size_t i = 0;

	for (; record && i < listed; i++, record = recorder_next(recorder, record))
		if ((uintptr_t)record->address != list[i].address || record->size != list[i].size ||
		    record->freed != list[i].freed || record->lost != list[i].lost)
			return false;
	return !record && i == listed && recorder->count == listed && recorder->allocations == allocations &&
	       recorder->frees == frees && recorder->evicted == evicted && recorder->state == state;
}

/* One change of state. @return whether both say the same of it */
static bool change(struct recorder *recorder)
{
	int expected;

	switch (rand() % 8) {
	case 0:
		expected = state == STATE_RUNNING || state == STATE_PAUSED ? CODE_OK : CODE_INVALID_STATE;
		if (!expected)
			state = STATE_STOPPED;
		return recorder_stop(recorder) == expected;
	case 1:
		expected = state == STATE_RUNNING ? CODE_OK : CODE_INVALID_STATE;
		if (!expected)
			state = STATE_PAUSED;
		return recorder_pause(recorder) == expected;
	case 2:
		if (rand() % 20)
			return true;
		list_start(rand() % 2 ? MODE_LEAKS : MODE_ALL);
		return recorder_start(recorder, mode) == CODE_OK;
	default:
		expected = list_resume();
		return recorder_resume(recorder) == expected;
	}
}

static bool step(struct recorder *recorder, bool *live)
{
	uintptr_t which = (uintptr_t)rand() % ADDRESSES, address = 0x1000 + which * 16;

	if (rand() % 50 == 0)
		return change(recorder);
	if (live[which]) {
		list_freed(address);
		recorder_freed(recorder, (void *)address);
	} else {
		size_t size = (size_t)rand() % 1000;

		list_allocated(address, size);
		recorder_allocated(recorder, (void *)address, size);
	}
	live[which] = !live[which];
	return true;
}

static bool walk(struct recorder *recorder)
{
	const struct record *record = recorder_first(recorder);
	uint64_t sequence = 0;

	for (; record; record = recorder_next(recorder, record)) {
		if (recorder_after(recorder, sequence) != record)
			return false;
		sequence = record->sequence;
	}
	return !recorder_after(recorder, sequence);
}

static void compare(uint32_t records)
{
	struct recorder recorder = {0};
	bool live[ADDRESSES] = {false}, right = true;
	unsigned done = 0;

	capacity = records;
	listed = 0;
	allocations = frees = evicted = 0;
	state = STATE_READY;
	if (recorder_init(&recorder, records, 2))
		right = false;
	for (; right && done < STEPS; done++)
		right = step(&recorder, live) && same(&recorder) && (done % 64 || walk(&recorder));
	ok(right, "%u records: the same as a list, after each of %u steps", records, done);
	recorder_close(&recorder);
}

static int init_without_memory(struct recorder *recorder)
{
	struct rlimit limit, small;
	int code;

	getrlimit(RLIMIT_AS, &limit);
	small = limit;
	small.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_AS, &small);
	code = recorder_init(recorder, 1000000, 64);
	setrlimit(RLIMIT_AS, &limit);
	return code;
}

int main(void)
{
	struct recorder recorder = {0};

	srand(1);
	compare(1);
	compare(2);
	compare(7);
	compare(30);
	compare(64);
	compare(1000);
	is_int(recorder_start(&recorder, MODE_ALL), CODE_INVALID_STATE, "no buffer: no start");
	is_int(recorder_resume(&recorder), CODE_INVALID_STATE, "no resume");
	is_int(init_without_memory(&recorder), CODE_NO_MEM, "no memory: no buffer");
	is_int(recorder.state, STATE_NONE, "and no state that has one");
	recorder_freed(&recorder, &recorder);
	ok(!recorder_find(&recorder, &recorder) && !recorder_first(&recorder), "and nothing to be found");
	return tap_done();
}
