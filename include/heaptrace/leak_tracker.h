// SPDX-License-Identifier: MIT

/*
 * The memory leak tracker: what was allocated between two points of a program, and not freed until the second, with its
 * backtraces, on standard output.
 *
 *	leak_tracker_start();            // or leak_tracker_start(heap_records, backtrace_records)
 *	handle_a_connection();
 *	leak_tracker_end();
 *
 * Run it as `heaptrace ./program`. It needs no library of ours; where it is not traced it runs too, leak_tracker_start()
 * returns false and says why on standard error. (On C libraries older than glibc 2.34 link with -ldl.)
 *
 * Start before what is to be tracked, and end when everything that others do asynchronously is done. In the report stands
 * where each block lies: in the main heap, in an arena of glibc's for threads, or mapped for itself alone (large ones);
 * "other" with another allocator than glibc's. It is independent of heap_trace: both may run at once. Any thread may call
 * these functions, a signal handler may not.
 */

#ifndef HEAPTRACE_LEAK_TRACKER_H
#define HEAPTRACE_LEAK_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../heaptrace.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LEAK_TRACKER_RECORDS 1000

/** What the tracker found. */
struct leak_tracker_stats {
	uint64_t leaks, bytes;               /* blocks that were not freed, and their bytes */
	uint64_t heap, arenas, mapped, other; /* blocks by where they lie; together `leaks` */
	uint64_t backtraces_found;           /* leaks that have a backtrace */
	uint64_t backtraces_captured;        /* allocations that got one */
	uint64_t allocations, frees;         /* while it ran; a realloc is one of each */
	uint64_t most_blocks;                /* tracked at a time: so many backtrace records would do */
	uint64_t lost;                       /* blocks that were forgotten because there was no room for their records */
};

/** Figures of the heap, in bytes; UINT64_MAX where something is not known (another allocator than glibc's). */
struct memory_snapshot {
	uint64_t heap_used;      /* in blocks that are not mapped for themselves */
	uint64_t heap_free;      /* taken from the system, and in no block */
	uint64_t heap_free_top;  /* of that, at the end of the main heap, from where it can be given back */
	uint64_t heap_free_parts; /* free pieces */
	uint64_t mapped;         /* in blocks that are mapped for themselves */
	uint64_t mapped_blocks;
	uint64_t process_size, process_resident; /* of the whole process */
	uint64_t system_free;    /* what could still be had: available memory, or what the control group leaves */
};

static inline bool heaptrace_not_tracked_(const char *what)
{
	fprintf(stderr, "leak tracker: %s: this program is not traced; run it as `heaptrace PROGRAM`\n", what);
	return false;
}

/** leak_tracker_start() with both numbers. */
static inline bool heaptrace_leak_tracker_start_(size_t heap_records, size_t backtrace_records)
{
	static heaptrace_function_ place_;
	heaptrace_function_ function_ = heaptrace_look_up_(&place_, "heaptrace_leak_tracker_start_v1");

	if (!function_)
		return heaptrace_not_tracked_("not started");
	return ((int (*)(size_t, size_t))function_)(heap_records, backtrace_records) != 0;
}

/**
 * End as leak_tracker_end() does, for tests and checks that want the figures.
 *
 * @param fd     the report goes there; -1: no report
 * @param stats  filled, zeroes if nothing ran; may be NULL
 * @return whether a tracker ran
 */
static inline bool leak_tracker_end_to(int fd, struct leak_tracker_stats *stats)
{
	static heaptrace_function_ place_;
	heaptrace_function_ function_ = heaptrace_look_up_(&place_, "heaptrace_leak_tracker_end_v1");
	static const struct leak_tracker_stats zeroes_ = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

	if (stats)
		*stats = zeroes_;
	if (!function_)
		return heaptrace_not_tracked_("nothing to end");
	heaptrace_flush_(fd);
	return ((int (*)(int, struct leak_tracker_stats *, size_t))function_)(fd, stats, sizeof(*stats)) != 0;
}

/** Stop tracking, and write the report to standard output. One line of warning if nothing ran. */
static inline void leak_tracker_end(void)
{
	leak_tracker_end_to(1, NULL);
}

typedef int (*heaptrace_memory_capture_)(struct memory_snapshot *, size_t);
typedef int (*heaptrace_memory_print_)(int, const char *, const struct memory_snapshot *, size_t);

/** The heap's figures of now; they are also remembered for print_memory_delta(). All 0 when not traced. */
static inline struct memory_snapshot capture_memory_snapshot(void)
{
	static heaptrace_function_ place_;
	heaptrace_function_ function_ = heaptrace_look_up_(&place_, "heaptrace_memory_capture_v1");
	struct memory_snapshot snapshot = {0, 0, 0, 0, 0, 0, 0, 0, 0};

	if (function_)
		((heaptrace_memory_capture_)function_)(&snapshot, sizeof(snapshot));
	return snapshot;
}

static inline void heaptrace_memory_call_(const char *name, heaptrace_function_ *place, const char *label,
					  const struct memory_snapshot *before)
{
	heaptrace_function_ function = heaptrace_look_up_(place, name);

	heaptrace_flush_(1);
	if (function)
		((heaptrace_memory_print_)function)(1, label, before, sizeof(*before));
}

/** print_memory_delta() with all it can be given; `before` NULL: the snapshot that was captured last. */
static inline void heaptrace_memory_delta_(const char *label, const struct memory_snapshot *before)
{
	static heaptrace_function_ place_;

	heaptrace_memory_call_("heaptrace_memory_delta_v1", &place_, label, before);
}

/** Write the heap's figures of now to standard output. @param label  a heading */
static inline void print_detailed_memory_stats(const char *label)
{
	static heaptrace_function_ place_;

	heaptrace_memory_call_("heaptrace_memory_stats_v1", &place_, label, NULL);
}

/** Write to standard output how much of the heap is free, and in how many pieces. */
static inline void analyze_heap_fragmentation(void)
{
	static heaptrace_function_ place_;

	heaptrace_memory_call_("heaptrace_memory_fragmentation_v1", &place_, NULL, NULL);
}

#ifdef __cplusplus
}

/**
 * Start tracking.
 *
 * @param heap_records       room for so many blocks at a time at first; it grows to 1,048,576, or 16 times the number
 * @param backtrace_records  so many of them have a backtrace at a time; later ones go without
 * @return false if it runs already, for 0 heap records, without memory, and when not traced; standard error has the reason
 */
static inline bool leak_tracker_start(size_t heap_records = LEAK_TRACKER_RECORDS,
				      size_t backtrace_records = LEAK_TRACKER_RECORDS)
{
	return heaptrace_leak_tracker_start_(heap_records, backtrace_records);
}

/** Write to standard output what has changed since capture_memory_snapshot() was called last. @param label  a heading */
static inline void print_memory_delta(const char *label = "memory")
{
	heaptrace_memory_delta_(label, NULL);
}

/** The same since another snapshot. */
static inline void print_memory_delta(const char *label, const memory_snapshot &before)
{
	heaptrace_memory_delta_(label, &before);
}
#else
/* The same in C: macros, because C has no default arguments. An array of all arguments begins with one that is none. */

static inline bool heaptrace_leak_tracker_start_with_(size_t count, const size_t *arguments)
{
	return heaptrace_leak_tracker_start_(count > 1 ? arguments[1] : LEAK_TRACKER_RECORDS,
					     count > 2 ? arguments[2] : LEAK_TRACKER_RECORDS);
}

/**
 * bool leak_tracker_start([size_t heap_records[, size_t backtrace_records]]): start tracking.
 *
 * @param heap_records       room for so many blocks at a time at first; it grows to 1,048,576, or 16 times the number
 * @param backtrace_records  so many of them have a backtrace at a time; later ones go without
 * @return false if it runs already, for 0 heap records, without memory, and when not traced; standard error has the reason
 */
#define leak_tracker_start(...) \
	heaptrace_leak_tracker_start_with_(sizeof((size_t[]){0, __VA_ARGS__}) / sizeof(size_t), (size_t[]){0, __VA_ARGS__})

static inline void heaptrace_memory_delta_with_(size_t count, const void *const *arguments)
{
	heaptrace_memory_delta_(count > 1 ? (const char *)arguments[1] : "memory",
				count > 2 ? (const struct memory_snapshot *)arguments[2] : NULL);
}

/**
 * void print_memory_delta([const char *label[, const struct memory_snapshot *before]]): write to standard output what has
 * changed since capture_memory_snapshot() was called last, or since another snapshot.
 */
#define print_memory_delta(...)                                                                  \
	heaptrace_memory_delta_with_(sizeof((const void *[]){0, __VA_ARGS__}) / sizeof(void *), \
				     (const void *[]){0, __VA_ARGS__})
#endif

#endif
