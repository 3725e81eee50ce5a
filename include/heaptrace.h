// SPDX-License-Identifier: MIT

/*
 * heaptrace from within a program: switch tracing on and off, set marks, ask for reports and totals.
 *
 * A program that includes this needs no library of ours: each function looks its implementation up once, in
 * libheaptrace.so if that is there (`heaptrace ./program`, LD_PRELOAD, or linked with -lheaptrace). Where it is not,
 * every function does nothing and returns HEAPTRACE_NOT_TRACED. So the same binary runs with and without. (On C libraries
 * older than glibc 2.34 link with -ldl. A static program has nothing to look up in: always HEAPTRACE_NOT_TRACED.)
 *
 *	heaptrace_mark_t before = heaptrace_mark();
 *	handle_a_request();
 *	heaptrace_since(before, STDERR_FILENO, "text");   // what of it is still there
 *
 * C (C99 or later) and C++. All functions may be called by any thread at any time, but not by a signal handler. None
 * changes errno. Results are 0 (or a positive value) for success, negative for failure: enum heaptrace_result.
 */

#ifndef HEAPTRACE_H
#define HEAPTRACE_H

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum heaptrace_result {
	HEAPTRACE_OK = 0,
	HEAPTRACE_NOT_TRACED = -1,   /* no libheaptrace.so in this process, or it could not begin */
	HEAPTRACE_NO_COLLECTOR = -2, /* nobody to write the report: stand-alone, in a seccomp cage, cut off by chroot */
	HEAPTRACE_BAD_ARGUMENT = -3, /* unknown format, descriptor that is not open, no such mark */
	HEAPTRACE_FAILED = -4,       /* the report could not be made or written (full disk, reader gone) */
};

/** A point in time to measure growth from: positive; or enum heaptrace_result. */
typedef int64_t heaptrace_mark_t;

/** Figures of this process since its start, or since the last reset. Blocks are counted, bytes are as requested. */
struct heaptrace_totals {
	uint64_t allocations, frees;           /* blocks ever; a realloc is one of each */
	uint64_t allocated_bytes, freed_bytes;
	uint64_t live_blocks, live_bytes;      /* now */
	uint64_t peak_blocks, peak_bytes;      /* at most at a time; with several threads within the bound that reports state */
	uint64_t unknown_frees;                /* of blocks that were allocated before the start, a reset, or while stopped */
	uint64_t recording;                    /* 1, or 0 while stopped */
};

typedef void (*heaptrace_function_)(void);

/* A function of libheaptrace.so, NULL where there is none. What a failing look-up tells dlerror() is taken back. */
static inline heaptrace_function_ heaptrace_look_up_(heaptrace_function_ *place, const char *name)
{
	static char none_[1];
	union {
		void *object;
		heaptrace_function_ function;
	} found, known;

	known.function = __atomic_load_n(place, __ATOMIC_ACQUIRE);
	if (known.object == none_)
		return NULL;
	if (!known.object) {
		int saved = errno;

		found.object = dlsym((void *)0 /* RTLD_DEFAULT, which C hides without _GNU_SOURCE */, name);
		if (!found.object) {
			(void)dlerror();
			found.object = none_;
		}
		errno = saved;
		known = found;
		__atomic_store_n(place, found.function, __ATOMIC_RELEASE);
	}
	return known.object == none_ ? NULL : known.function;
}

#define HEAPTRACE_CALL_(absent, type, name, ...)                                             \
	do {                                                                                 \
		static heaptrace_function_ place_;                                           \
		heaptrace_function_ function_ = heaptrace_look_up_(&place_, #name);          \
		return function_ ? ((type)function_)(__VA_ARGS__) : (absent);                \
	} while (0)

/** Whether this process is traced, also while it is stopped. @return 1 or 0 */
static inline int heaptrace_is_traced(void)
{
	HEAPTRACE_CALL_(0, int (*)(void), heaptrace_is_traced, );
}

/**
 * Forget what was recorded, and record from here on: as if the program began now. After `heaptrace --start=off` this is
 * where tracing begins. Blocks from before are not known any more; when they are freed that is counted in unknown_frees.
 *
 * @return HEAPTRACE_OK or HEAPTRACE_NOT_TRACED
 */
static inline int heaptrace_start(void)
{
	HEAPTRACE_CALL_(HEAPTRACE_NOT_TRACED, int (*)(void), heaptrace_start, );
}

/**
 * Record no new blocks. Those that are known are followed on: their frees count, so what is reported as live is live.
 *
 * @return HEAPTRACE_OK or HEAPTRACE_NOT_TRACED
 */
static inline int heaptrace_stop(void)
{
	HEAPTRACE_CALL_(HEAPTRACE_NOT_TRACED, int (*)(void), heaptrace_stop, );
}

/** Record again, without forgetting anything. @return HEAPTRACE_OK or HEAPTRACE_NOT_TRACED */
static inline int heaptrace_resume(void)
{
	HEAPTRACE_CALL_(HEAPTRACE_NOT_TRACED, int (*)(void), heaptrace_resume, );
}

/** Forget what was recorded; recording goes on if it was on. @return HEAPTRACE_OK or HEAPTRACE_NOT_TRACED */
static inline int heaptrace_reset(void)
{
	HEAPTRACE_CALL_(HEAPTRACE_NOT_TRACED, int (*)(void), heaptrace_reset, );
}

/**
 * Set a mark, for heaptrace_since(). The collector keeps the figures of this moment, the last 64 of a run.
 *
 * @return the mark, positive; or HEAPTRACE_NOT_TRACED, HEAPTRACE_NO_COLLECTOR, HEAPTRACE_FAILED
 */
static inline heaptrace_mark_t heaptrace_mark(void)
{
	HEAPTRACE_CALL_((heaptrace_mark_t)HEAPTRACE_NOT_TRACED, heaptrace_mark_t (*)(void), heaptrace_mark, );
}

/* stdio's buffers go first, so that what the program has printed stands before the report. */
static inline void heaptrace_flush_(int fd)
{
	int saved = errno;

	if (fd == 1)
		fflush(stdout);
	else if (fd == 2)
		fflush(stderr);
	errno = saved;
}

/**
 * Write what has grown or shrunk since a mark, as `heaptrace diff` does. Returns when it is written.
 *
 * @param mark    from heaptrace_mark(), of this process
 * @param fd      an open descriptor
 * @param format  "text", "json" or "collapsed"; NULL is "text"
 * @return HEAPTRACE_OK, HEAPTRACE_NOT_TRACED, HEAPTRACE_NO_COLLECTOR, HEAPTRACE_BAD_ARGUMENT (also for a mark that is no
 *         longer kept) or HEAPTRACE_FAILED
 */
static inline int heaptrace_since(heaptrace_mark_t mark, int fd, const char *format)
{
	heaptrace_flush_(fd);
	HEAPTRACE_CALL_(HEAPTRACE_NOT_TRACED, int (*)(heaptrace_mark_t, int, const char *), heaptrace_since, mark, fd, format);
}

/**
 * Write a report of this process. Returns when it is written. Without a collector a text report has addresses for names,
 * and other formats are HEAPTRACE_NO_COLLECTOR.
 *
 * @param fd      an open descriptor
 * @param format  as --format has it: "text", "json", "collapsed", "pprof", ...; NULL is "text"
 * @param sort    as --sort has it, for text: "size", "count", "peak", ...; NULL is what the run's --sort says
 * @return HEAPTRACE_OK, HEAPTRACE_NOT_TRACED, HEAPTRACE_NO_COLLECTOR, HEAPTRACE_BAD_ARGUMENT or HEAPTRACE_FAILED
 */
static inline int heaptrace_dump(int fd, const char *format, const char *sort)
{
	heaptrace_flush_(fd);
	HEAPTRACE_CALL_(HEAPTRACE_NOT_TRACED, int (*)(int, const char *, const char *), heaptrace_dump, fd, format, sort);
}

/**
 * The same to a file, which is made aside and renamed when it is whole.
 *
 * @param path  relative to the working directory
 */
static inline int heaptrace_dump_file(const char *path, const char *format, const char *sort)
{
	HEAPTRACE_CALL_(HEAPTRACE_NOT_TRACED, int (*)(const char *, const char *, const char *), heaptrace_dump_file, path,
			format, sort);
}

/* With the size that this program knows: later versions may append fields. */
typedef int (*heaptrace_totals_function_)(struct heaptrace_totals *, size_t);

/**
 * Sum the counters up, in this process: no other is asked. Takes time in proportion to threads times backtraces.
 *
 * @param totals  filled; zeroes when the result is not HEAPTRACE_OK
 * @return HEAPTRACE_OK or HEAPTRACE_NOT_TRACED
 */
static inline int heaptrace_get_totals(struct heaptrace_totals *totals)
{
	static const struct heaptrace_totals zeroes_ = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

	*totals = zeroes_;
	HEAPTRACE_CALL_(HEAPTRACE_NOT_TRACED, heaptrace_totals_function_, heaptrace_get_totals, totals, sizeof(*totals));
}

#ifdef __cplusplus
}
#endif

#endif
