// SPDX-License-Identifier: MIT

/*
 * A session's records: one for each block, in the order of their allocation, found by address in O(1). Slots are filled
 * 0, 1, 2 ...; an emptied one is the next to be filled. Memory is the kernel's, nobody else writes into it.
 *
 * No locks: the session's holds. Whoever finds the lock of a thread that is no more (a fork child) calls
 * records_repair(): the slots are the truth, everything else is made anew from them.
 */

#ifndef HEAPTRACE_RECORDS_H
#define HEAPTRACE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORDS_MAX_DEPTH 64u
#define RECORDS_MAX (1u << 26)
#define NO_RECORD UINT32_MAX

enum record_state {
	RECORD_LIVE,    /* in the index */
	RECORD_MOVING,  /* inside a realloc: not in the index, or another thread could meet its address there */
	RECORD_FREED,   /* kept by a session that traces everything */
	RECORD_GONE,    /* freed while the session was stopped: still listed, until it goes on */
};

struct record {
	uint64_t sequence;         /* of the allocation in its session, from 1; 0: the slot is empty. Stored last */
	uintptr_t address;
	size_t size;               /* requested bytes */
	uint64_t ns;               /* since the run's start */
	uint32_t older, newer;     /* neighbours in the order of allocation */
	uint32_t chain;            /* next one with the same hash, or next empty slot */
	uint16_t cpu;
	uint8_t state;             /* enum record_state */
	uint8_t allocated_depth, freed_depth; /* frames that are there */
	uintptr_t frames[];        /* `depth` of the allocation, `depth` of the free */
};

struct records {
	uint32_t capacity;         /* records that fit now */
	uint32_t limit;            /* capacity may grow so far */
	uint32_t depth;            /* frames of each kind in a record */
	uint32_t used;             /* slots ever filled: those beyond are empty */
	uint32_t count;            /* records */
	uint32_t moving;           /* of them RECORD_MOVING */
	uint32_t oldest, newest;
	uint32_t empty;            /* emptied slots, newest first */
	uint64_t sequence;         /* of the newest record ever */
	size_t stride;             /* bytes of a slot */
	char **chunks;             /* slots, CHUNK_SLOTS each, made at first need */
	size_t chunks_size;
	uint32_t *heads;           /* first slot by hash of the address, + 1 */
	uint32_t mask;
	uint32_t cursor, cursor_index; /* the record that records_at() found last, and which one it was */
};

/**
 * Make an empty table.
 *
 * @param capacity  records that fit
 * @param limit     what the capacity may grow to, by doubling; the same as `capacity` if it may not
 * @return false: no memory, or a number that is too large
 */
bool records_open(struct records *records, uint32_t capacity, uint32_t limit, uint32_t depth);

/** Give all memory back; the struct is empty then, as one full of zeroes. */
void records_close(struct records *records);

/** Forget all records. */
void records_clear(struct records *records);

/** Record number `slot`; NULL if that slot was never filled. It may be empty. */
struct record *records_slot(const struct records *records, uint32_t slot);

/** The live record of an address: its slot, or NO_RECORD. */
uint32_t records_find(const struct records *records, uintptr_t address);

/** Take an empty slot for the newest record and index it. @return the slot, NO_RECORD if all are taken and there can be no more */
uint32_t records_add(struct records *records, uintptr_t address);

/** Empty a slot. */
void records_remove(struct records *records, uint32_t slot);

/** Take a live record out of the index, which stays in the list with another state. */
void records_hide(struct records *records, uint32_t slot, enum record_state state);

/** The record is live again. */
void records_show(struct records *records, uint32_t slot);

/** The slot of the record that has `index` older ones, NO_RECORD beyond the newest. Going through them by index is O(1) each. */
uint32_t records_at(struct records *records, uint32_t index);

/** Make index, order and list of empty slots anew, from the slots. O(n log n). */
void records_repair(struct records *records);

/** Frames of the allocation, or of the free. */
static inline uintptr_t *record_frames(const struct records *records, struct record *record, bool freed)
{
	return record->frames + (freed ? records->depth : 0);
}

#endif
