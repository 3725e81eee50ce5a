// SPDX-License-Identifier: MIT

/*
 * Sessions: listeners to single allocations and frees beside the table, which counts backtraces. Each has its own
 * records, its own mode and its own state; several may run at once, and none knows of the others. heap_trace (esp.c) is
 * one. While no session is open the hooks know nothing of all this.
 *
 * One lock serves all sessions, and is taken only while one wants events. Signals are blocked while it is held: no
 * handler can come in between, wait for it, or jump out. In a seccomp cage they can not be blocked; there an event in a
 * handler that interrupts the holder is counted as missed. A fork child whose parent was at work under the lock finds
 * records that are repaired.
 *
 *	static struct session mine;
 *	session_open(&mine, &(struct session_options){.capacity = 1000, .depth = 16, ...});
 *	session_start(&mine, SESSION_LEAKS);
 *	...
 *	session_stop(&mine);
 *	session_snapshot(&mine, 0, &snapshot);    a copy, to be looked at in peace
 *	session_snapshot_free(&snapshot);
 *	session_close(&mine);
 *
 * Functions return 0 or -errno: EBUSY where a session would have to be stopped first, EINVAL where the state does not
 * allow it, ENOMEM, EAGAIN from a handler inside a cage, ENOSPC when too many are open.
 */

#ifndef HEAPTRACE_SESSION_H
#define HEAPTRACE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"
#include "records.h"
#include "thread.h"
#include "unwind.h"

#define SESSIONS 8u

enum session_mode {
	SESSION_ALL,   /* a freed block's record stays, with the backtrace of the free */
	SESSION_LEAKS, /* it goes */
};

enum session_policy { /* when there is no room for a record */
	SESSION_EVICT_OLDEST,
	SESSION_DROP_NEW,
	SESSION_GROW, /* to `limit`; then the oldest goes */
};

enum session_state {
	SESSION_NONE,    /* not open */
	SESSION_READY,   /* open, never started */
	SESSION_RUNNING,
	SESSION_PAUSED,  /* frees only */
	SESSION_STOPPED,
};

/** Something that happened to a block. */
struct session_event {
	const struct thread *thread;
	uintptr_t sp;            /* stack pointer of the caller */
	uintptr_t address;
	size_t size;             /* 0 of a free */
	uint64_t ns;             /* since the run's start */
	uint32_t cpu;
	uint32_t depth;          /* frames: return addresses, the caller of malloc or free first */
	uintptr_t frames[RECORDS_MAX_DEPTH];
};

struct session;

/** What a session's owner wants to hear. Called with the lock held: no allocation, no session function. Each may be NULL. */
struct session_listener {
	/** A slot has got a record, a record was freed, or (NULL) the slot is empty. `event` is NULL outside of events. */
	void (*changed)(struct session *session, uint32_t slot, const struct record *record,
			const struct session_event *event);
	/** All records are about to be forgotten: slots 0 ... records.used - 1. */
	void (*cleared)(struct session *session);
	void (*allocated)(struct session *session, const struct session_event *event);
	void (*freed)(struct session *session, const struct session_event *event);
	/** A realloc failed: the block that was said to be freed still is. */
	void (*restored)(struct session *session, const struct session_event *event);
	/** This is a fork child. The lock is not held; no other thread exists. */
	void (*forked)(struct session *session);
};

struct session_options {
	enum session_policy policy;
	uint32_t capacity;  /* records; 0: none are kept, there is only the listener */
	uint32_t limit;     /* of SESSION_GROW */
	uint32_t depth;     /* frames, 0 ... RECORDS_MAX_DEPTH */
	const struct session_listener *listener;
};

struct session_figures {
	uint64_t allocations;      /* while running */
	uint64_t frees;            /* of any block, while running or paused */
	uint64_t high_water;       /* most records at once */
	uint64_t unmatched_frees;  /* of blocks without a record */
	uint64_t missed_frees;     /* an address was given out again that had not been seen to be freed */
	uint64_t evicted;          /* records that made room for newer ones */
	uint64_t dropped;          /* allocations for which there was no room */
	uint64_t failed;           /* allocations that the allocator refused */
	uint64_t stop_gap_frees;   /* blocks that were freed while the session was stopped */
	uint64_t missed;           /* events inside of events */
	uint64_t bytes_live, bytes_peak; /* of records that are not freed */
};

struct session {
	enum session_state state;  /* [lock], but may be read at any time */
	enum session_mode mode;    /* [lock] */
	enum session_policy policy;
	uint32_t depth;
	const struct session_listener *listener;
	struct records records;    /* [lock] */
	struct session_figures figures; /* [lock], but for `missed` [atomic] */
};

/** Make a session ready. Closed before with session_close(), or all zeroes. */
int session_open(struct session *session, const struct session_options *options);

/** Give all back. -EBUSY while it runs or is paused; nothing to do for one that is not open. */
int session_close(struct session *session);

/** Begin, or begin anew: no records, all figures 0. */
int session_start(struct session *session, enum session_mode mode);

/** Hear of nothing any more. -EINVAL when it neither runs nor is paused. */
int session_stop(struct session *session);

/** From now on frees only. -EINVAL when it does not run. */
int session_pause(struct session *session);

/** Go on after a stop or a pause, or begin in mode SESSION_ALL what was never started. Drops what was freed meanwhile. */
int session_resume(struct session *session);

/** A copy of one record with its frames. `out` has room for a record of RECORDS_MAX_DEPTH. -EINVAL when there is none. */
struct session_record {
	uint64_t sequence, ns;
	uintptr_t address;
	size_t size;
	uint32_t cpu;
	enum record_state state;
	uint32_t allocated_depth, freed_depth;
	uintptr_t allocated_by[RECORDS_MAX_DEPTH], freed_by[RECORDS_MAX_DEPTH];
};
int session_get(struct session *session, uint32_t index, struct session_record *out);

/** Number of records; any time. */
uint32_t session_count(const struct session *session);

/** Number of the newest allocation that was recorded: what was allocated later has a higher one. */
uint64_t session_mark(const struct session *session);

/** A consistent copy of everything, oldest record first. */
struct session_snapshot {
	enum session_state state;
	enum session_mode mode;
	uint32_t capacity, count, depth;
	struct session_figures figures;
	size_t stride;      /* of a record with its frames */
	char *records;      /* `count` of them */
	uint8_t *regions;   /* enum session_region of each */
	void *memory;
	size_t size;
};

/** Where a live block lies. */
enum session_region {
	REGION_OTHER, /* not known: another allocator, a freed block, or what can not be read */
	REGION_HEAP,  /* glibc's main arena */
	REGION_ARENA, /* glibc's arenas of threads */
	REGION_MMAP,  /* glibc mapped it for this block alone */
};

/**
 * Copy; the lock is held for as long as that takes. A regions[] of what is freed meanwhile is REGION_OTHER.
 * @param regions  whether regions[] is wanted
 */
int session_snapshot(struct session *session, bool regions, struct session_snapshot *snapshot);

/** Record number `index` of a snapshot; its frames begin at record->frames, those of the free at + depth. */
static inline struct record *session_snapshot_record(const struct session_snapshot *snapshot, uint32_t index)
{
	return (struct record *)(snapshot->records + index * snapshot->stride);
}

void session_snapshot_free(struct session_snapshot *snapshot);

/** The calling thread's events are nobody's business until session_unhide(): for code that the guest calls. */
struct session_hidden {
	uint32_t place;
};
struct session_hidden session_hide(uintptr_t sp);
void session_unhide(struct session_hidden hidden);

/** Functions of the program that hear of each event, and of allocations that failed. NULL: none. */
struct session_callbacks {
	void (*allocated)(void *block, size_t size, uint32_t caps);
	void (*freed)(void *block);
	void (*failed)(size_t size, uint32_t caps, const char *function);
};
extern struct session_callbacks session_callbacks HIDDEN;

/** After a change of session_callbacks. */
void session_callbacks_changed(void);

/* What hooks say, while guest.control has CONTROL_SESSIONS; see interpose.c. */

/** A block was given out. @param caller  of the entry point */
void session_allocated(struct thread *thread, const struct caller *caller, const void *block, size_t size);

/** A block is about to be given back. */
void session_freed(struct thread *thread, const struct caller *caller, const void *block);

/** The allocator has refused. */
void session_failed(struct thread *thread, const struct caller *caller, enum ht_entry entry, size_t size);

/** A realloc: what is remembered between its beginning and its end. */
struct session_move {
	bool begun;
	uintptr_t old;
	uint32_t slots[SESSIONS];     /* NO_RECORD: none */
	uint64_t sequences[SESSIONS];
};

/** Before the real realloc. `old` may be NULL. */
void session_move_begin(struct thread *thread, const struct caller *caller, const void *old, struct session_move *move);

/** After it. @param block  what it gave; NULL with a size is a failure */
void session_move_end(struct thread *thread, const struct caller *caller, enum ht_entry entry, struct session_move *move,
		      const void *block, size_t size);

/** This is a fork child. */
void session_forked(void);

/* Inside of session*.c. */

/** All open sessions, NULL between them. [lock] */
extern struct session *sessions[SESSIONS] HIDDEN;

/** Take the lock. @return false: this thread has it already (a handler in a cage) */
struct session_hold {
	uint64_t mask;
	bool masked;
};
bool session_lock(struct session_hold *hold);
void session_unlock(const struct session_hold *hold);

/** A fork child: other threads' marks of session_hide() mean nothing any more. */
void session_hidden_forked(void);

/** Make the lock free in a fork child. @return whether it was held */
bool session_lock_forked(void);

/** Where blocks lie: a byte for each address, from glibc's chunk heads. Reads can not fault. */
void session_regions(const uintptr_t *addresses, uint8_t *regions, uint32_t count);

#endif
