// SPDX-License-Identifier: MIT

/*
 * Records of the blocks of one Lua state: what ESP-IDF's heap_trace keeps of a heap. Every event costs the same,
 * however many records there are. Memory comes from the kernel, so that the recorder never is among what it records.
 * Not for several threads: a Lua state has one at a time.
 */

#ifndef HEAPTRACE_LUA_RECORDER_H
#define HEAPTRACE_LUA_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** ESP-IDF's codes, as the Lua functions' messages have them. */
#define CODE_OK 0
#define CODE_NO_MEM 0x101
#define CODE_INVALID_STATE 0x103
#define CODE_NOT_SUPPORTED 0x106

enum recorder_mode { MODE_ALL, MODE_LEAKS };

enum recorder_state {
	STATE_NONE,    /* no buffer */
	STATE_READY,   /* never started */
	STATE_RUNNING,
	STATE_PAUSED,  /* only frees are seen */
	STATE_STOPPED,
};

/** A line of a file. */
struct lua_line {
	uint32_t file; /* number of a name, see lines.h */
	int32_t line;  /* 0: not known */
};

/** One block. */
struct record {
	void *address;
	size_t size;
	uint64_t sequence;   /* number of the allocation since init; grows */
	uint32_t cycles;     /* clock in nanoseconds, the two low bits cleared */
	uint32_t cpu;
	uint32_t older, newer; /* neighbours in the order of allocation, slot + 1 */
	uint32_t chain;      /* the next of the same hash, slot + 1 */
	bool freed;          /* mode ALL: it is gone, the record stays */
	bool lost;           /* freed while tracing was stopped; resume drops the record */
	bool grown;          /* a block that was made larger or smaller: `lines` are those that allocated last before it */
	uint8_t line_count;
	struct lua_line lines[];
};

struct recorder {
	enum recorder_state state;
	enum recorder_mode mode;
	uint32_t capacity, count, high_water;
	unsigned depth;          /* lines of a record */
	uint64_t allocations, frees, evicted;
	uint64_t outstanding;    /* allocations less frees, as far as that is not below 0 */
	uint64_t needed;         /* the most records that were wanted at a time */
	uint64_t sequence;
	char *records;           /* capacity of them, each `stride` bytes */
	size_t stride;
	uint32_t *heads;         /* hash of addresses: slot + 1 of the newest record */
	uint32_t mask;
	uint32_t oldest, newest; /* slot + 1 */
	uint32_t unused;         /* freed slots, linked by `newer`, slot + 1 */
	uint32_t touched;        /* slots below have been used once */
	uint32_t visited;        /* slot + 1 that recorder_after() gave last */
};

/** Make room for records; whatever was there is gone. @return CODE_OK, or CODE_NO_MEM: then there is no buffer */
int recorder_init(struct recorder *recorder, uint32_t capacity, unsigned depth);

/** Give everything back. */
void recorder_close(struct recorder *recorder);

/** The steps from state to state; CODE_INVALID_STATE where there is none. Starting anew clears the records. */
int recorder_start(struct recorder *recorder, enum recorder_mode mode);
int recorder_stop(struct recorder *recorder);
int recorder_pause(struct recorder *recorder);
int recorder_resume(struct recorder *recorder);

/** Are allocations recorded now? */
static inline bool recorder_is_running(const struct recorder *recorder)
{
	return recorder->state == STATE_RUNNING;
}

/**
 * A block was allocated. @return its record, for the lines to be filled in, or NULL when it is not recorded. With a
 * full buffer the oldest record gives way.
 */
struct record *recorder_allocated(struct recorder *recorder, void *block, size_t size);

/** A block is gone; any state. */
void recorder_freed(struct recorder *recorder, const void *block);

/** The oldest record, or NULL. */
struct record *recorder_first(const struct recorder *recorder);

/** The one after it, or NULL. */
struct record *recorder_next(const struct recorder *recorder, const struct record *record);

/** The newest record of a block that is not freed, or NULL. */
struct record *recorder_find(const struct recorder *recorder, const void *block);

/** The newest record of a block, freed or not, with its size and a number below `below`, or NULL. */
const struct record *recorder_match(const struct recorder *recorder, const void *block, size_t size, uint64_t below);

/** The oldest record with a number above `sequence`, or NULL; quick for who goes from one to the next. */
struct record *recorder_after(struct recorder *recorder, uint64_t sequence);

/** Bytes from the kernel, zeroed; NULL when there are none. */
void *recorder_map(size_t size);

/** Give them back. */
void recorder_unmap(void *memory, size_t size);

#endif
