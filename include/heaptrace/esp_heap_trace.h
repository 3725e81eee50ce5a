// SPDX-License-Identifier: MIT

/*
 * ESP-IDF's heap tracing for a program that runs on Linux: the same names, codes, structs and dumps, so that code written
 * for the chip compiles as it stands (-I PREFIX/include/heaptrace, or `pkg-config --cflags heaptrace`).
 *
 *	static heap_trace_record_t records[100];
 *
 *	ESP_ERROR_CHECK(heap_trace_init_standalone(records, 100));
 *	ESP_ERROR_CHECK(heap_trace_start(HEAP_TRACE_LEAKS));
 *	do_something();
 *	ESP_ERROR_CHECK(heap_trace_stop());
 *	heap_trace_dump();
 *
 * Run it as `heaptrace ./program`. It needs no library of ours; where it is not traced it runs too, and each function
 * that returns a code returns ESP_ERR_NOT_SUPPORTED, as on a chip without heap tracing. (On C libraries older than
 * glibc 2.34 link with -ldl.)
 *
 * Every entry point of the allocator is traced, whoever calls it: malloc, calloc, realloc, the aligned ones, C++
 * operators, libraries. Any thread may call these functions; a signal handler may not.
 *
 * Before the include, if the default does not do:
 *	#define CONFIG_HEAP_TRACING_STACK_DEPTH 4    frames kept for each allocation and each free: 0 to 64, default 16
 *
 * Where versions of ESP-IDF disagree, what its header promises holds: heap_trace_init_standalone(NULL, 0) gives the buffer
 * back, heap_trace_stop() before any start is ESP_ERR_INVALID_STATE, heap_trace_resume() without a start begins in mode
 * HEAP_TRACE_ALL, and heap_trace_start() sets all figures to 0. Functions marked "not in ESP-IDF" are ours.
 */

#ifndef HEAPTRACE_ESP_HEAP_TRACE_H
#define HEAPTRACE_ESP_HEAP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../heaptrace.h"

#ifdef __has_include
#if __has_include("sdkconfig.h")
#include "sdkconfig.h"
#endif
#if __has_include("esp_err.h")
#include "esp_err.h"
#define HEAPTRACE_HAS_ESP_ERR_
#endif
#if __has_include("esp_heap_caps.h")
#include "esp_heap_caps.h"
#define HEAPTRACE_HAS_ESP_HEAP_CAPS_
#endif
#endif

#ifndef CONFIG_HEAP_TRACING_STACK_DEPTH
#define CONFIG_HEAP_TRACING_STACK_DEPTH 16
#endif
#if CONFIG_HEAP_TRACING_STACK_DEPTH < 0 || CONFIG_HEAP_TRACING_STACK_DEPTH > 64
#error "CONFIG_HEAP_TRACING_STACK_DEPTH is 0 to 64"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifndef HEAPTRACE_HAS_ESP_ERR_
typedef int esp_err_t;

#define ESP_OK 0                    /* success */
#define ESP_FAIL (-1)               /* a file could not be opened or written */
#define ESP_ERR_NO_MEM 0x101
#define ESP_ERR_INVALID_ARG 0x102
#define ESP_ERR_INVALID_STATE 0x103 /* not now: tracing runs, or does not run */
#define ESP_ERR_INVALID_SIZE 0x104
#define ESP_ERR_NOT_FOUND 0x105
#define ESP_ERR_NOT_SUPPORTED 0x106 /* the program is not traced */
#define ESP_ERR_TIMEOUT 0x107

/** The name of a code: "ESP_ERR_INVALID_STATE"; "UNKNOWN ERROR" for others. */
static inline const char *esp_err_to_name(esp_err_t code)
{
	switch (code) {
	case ESP_OK: return "ESP_OK";
	case ESP_FAIL: return "ESP_FAIL";
	case ESP_ERR_NO_MEM: return "ESP_ERR_NO_MEM";
	case ESP_ERR_INVALID_ARG: return "ESP_ERR_INVALID_ARG";
	case ESP_ERR_INVALID_STATE: return "ESP_ERR_INVALID_STATE";
	case ESP_ERR_INVALID_SIZE: return "ESP_ERR_INVALID_SIZE";
	case ESP_ERR_NOT_FOUND: return "ESP_ERR_NOT_FOUND";
	case ESP_ERR_NOT_SUPPORTED: return "ESP_ERR_NOT_SUPPORTED";
	case ESP_ERR_TIMEOUT: return "ESP_ERR_TIMEOUT";
	default: return "UNKNOWN ERROR";
	}
}

static inline void heaptrace_esp_check_(esp_err_t code, const char *file, int line, const char *function, const char *what)
{
	if (code == ESP_OK)
		return;
	fprintf(stderr, "ESP_ERROR_CHECK failed: esp_err_t 0x%x (%s) at %s:%d\nfunc: %s\nexpression: %s\n", (unsigned)code,
		esp_err_to_name(code), file, line, function, what);
	abort();
}

/**
 * Abort, with a message, unless an expression is ESP_OK. A program that shall also run untraced treats
 * ESP_ERR_NOT_SUPPORTED itself, or uses ESP_ERROR_CHECK_WITHOUT_ABORT.
 */
#define ESP_ERROR_CHECK(expression) \
	heaptrace_esp_check_((expression), __FILE__, __LINE__, __func__, #expression)

static inline esp_err_t heaptrace_esp_complain_(esp_err_t code, const char *file, int line, const char *what)
{
	if (code != ESP_OK)
		fprintf(stderr, "ESP_ERROR_CHECK_WITHOUT_ABORT failed: esp_err_t 0x%x (%s) at %s:%d\nexpression: %s\n",
			(unsigned)code, esp_err_to_name(code), file, line, what);
	return code;
}

/** The same without the end; its value is the code. */
#define ESP_ERROR_CHECK_WITHOUT_ABORT(expression) \
	heaptrace_esp_complain_((expression), __FILE__, __LINE__, #expression)
#endif

#ifndef HEAPTRACE_HAS_ESP_HEAP_CAPS_
/* Kinds of memory. Those that mean something here are INTERNAL (the main heap and the arenas of threads) and SPIRAM (blocks
 * that glibc has mapped one by one). A block of another allocator than glibc's is neither. */
#define MALLOC_CAP_EXEC (1u << 0)
#define MALLOC_CAP_32BIT (1u << 1)
#define MALLOC_CAP_8BIT (1u << 2)
#define MALLOC_CAP_DMA (1u << 3)
#define MALLOC_CAP_SPIRAM (1u << 10)
#define MALLOC_CAP_INTERNAL (1u << 11)
#define MALLOC_CAP_DEFAULT (1u << 12)

/** Called for an allocation that failed. @param function_name  "malloc", "operator new(unsigned long)", ... */
typedef void (*esp_alloc_failed_hook_t)(size_t size, uint32_t caps, const char *function_name);
#endif

/** What is kept. */
typedef enum {
	HEAP_TRACE_ALL,   /* all allocations and frees: a freed block's record stays, with the backtrace of the free */
	HEAP_TRACE_LEAKS, /* a freed block's record goes: what is left is what was not freed */
} heap_trace_mode_t;

/** One allocation. */
typedef struct {
	uint32_t ccount; /* low 32 bits of a nanosecond clock; the lowest bit is that of the CPU's number */
	void *address;   /* NULL: no record is here */
	size_t size;     /* as requested */
	bool freed;
	void *alloced_by[CONFIG_HEAP_TRACING_STACK_DEPTH]; /* return addresses, the caller of malloc first; then NULLs */
	void *freed_by[CONFIG_HEAP_TRACING_STACK_DEPTH];   /* of the caller of free; all NULL until then */
} heap_trace_record_t;

/** Figures of a trace. */
typedef struct {
	heap_trace_mode_t mode;
	size_t total_allocations; /* since the start, while running */
	size_t total_frees;       /* of any block, also of such as have no record */
	size_t count;             /* records */
	size_t capacity;          /* room for so many */
	size_t high_water_mark;   /* most records at once */
	size_t has_overflowed;    /* records were lost because there was no room */
} heap_trace_summary_t;

/** More figures. Not in ESP-IDF. */
typedef struct {
	heap_trace_summary_t summary;
	uint64_t unmatched_frees; /* of blocks without a record: allocated before the start, or evicted */
	uint64_t missed_frees;    /* frees that nobody saw, known by an address that was given out again */
	uint64_t evicted;         /* oldest records that made room */
	uint64_t dropped;         /* new ones for which there was no room (HEAP_TRACE_DROP_NEW) */
	uint64_t failed_allocs;   /* allocations that the allocator refused */
	uint64_t stop_gap_frees;  /* recorded blocks that were freed while tracing was stopped */
	uint64_t missed_events;   /* in signal handlers, inside a seccomp cage only */
	uint64_t bytes_live;      /* of records that are not freed */
	uint64_t bytes_peak;
} heap_trace_summary_ex_t;

/** What happens to a new record when there is no room. Not in ESP-IDF. */
typedef enum {
	HEAP_TRACE_EVICT_OLDEST, /* as with a buffer of one's own */
	HEAP_TRACE_DROP_NEW,
	HEAP_TRACE_GROW,         /* room is made for more, up to 1,048,576 records or 16 times the number asked for */
} heap_trace_policy_t;

/** How a dump looks, for heap_trace_dump_fd(). Not in ESP-IDF. */
enum {
	HEAP_TRACE_DUMP_DEFAULT = 0,      /* $HEAPTRACE_DUMP_FORMAT: v4.4 or v5; else v5 */
	HEAP_TRACE_DUMP_V4 = 1 << 0,      /* the text of ESP-IDF 4.4 */
	HEAP_TRACE_DUMP_V5 = 1 << 1,      /* the text of ESP-IDF 5 */
	HEAP_TRACE_DUMP_JSON = 1 << 2,    /* a JSON object */
	HEAP_TRACE_DUMP_SYMBOLS = 1 << 3, /* with "--- 0xADDRESS: function at file:line" for each frame, under the launcher */
	HEAP_TRACE_DUMP_GROUPED = 1 << 4, /* blocks of one backtrace on one line, the most bytes first */
};
/** Only the first `count` lines: records, or groups. Combined with the others by |. */
#define HEAP_TRACE_DUMP_TOP(count) ((unsigned)(count) << 16)

/** A point in a trace, for heap_trace_dump_since(). Not in ESP-IDF. */
typedef uint64_t heap_trace_mark_t;

/* Hooks of ESP-IDF (CONFIG_HEAP_USE_HOOKS). A program that defines them hears of each allocation and each free from its
 * first heap_trace function on. What the thread allocates inside them is not traced. */
void esp_heap_trace_alloc_hook(void *ptr, size_t size, uint32_t caps) __attribute__((weak));
void esp_heap_trace_free_hook(void *ptr) __attribute__((weak));

typedef void (*heaptrace_esp_alloc_hook_)(void *, size_t, uint32_t);
typedef void (*heaptrace_esp_free_hook_)(void *);

/* Make the program's hooks known. */
static inline void heaptrace_esp_hooks_(void)
{
	static heaptrace_function_ place_;
	heaptrace_function_ function_;

	if (!esp_heap_trace_alloc_hook && !esp_heap_trace_free_hook)
		return;
	function_ = heaptrace_look_up_(&place_, "heaptrace_esp_hooks_v1");
	if (function_)
		((void (*)(heaptrace_esp_alloc_hook_, heaptrace_esp_free_hook_))function_)(esp_heap_trace_alloc_hook,
											 esp_heap_trace_free_hook);
}

#define HEAPTRACE_ESP_CALL_(type, name, ...) HEAPTRACE_CALL_(ESP_ERR_NOT_SUPPORTED, esp_err_t (*)type, name, __VA_ARGS__)

/**
 * Give heap tracing a buffer. To free the buffer, stop tracing and call heap_trace_init_standalone(NULL, 0).
 *
 * The buffer is written to while tracing runs, and must stay valid for so long; what it holds is never read. When it is
 * full the oldest record makes room.
 *
 * @param record_buffer  array of records
 * @param num_records    its length
 * @return ESP_OK; ESP_ERR_INVALID_STATE while tracing; ESP_ERR_INVALID_ARG if one of the two is zero; ESP_ERR_NO_MEM;
 *         ESP_ERR_NOT_SUPPORTED
 */
static inline esp_err_t heap_trace_init_standalone(heap_trace_record_t *record_buffer, size_t num_records)
{
	heaptrace_esp_hooks_();
	HEAPTRACE_ESP_CALL_((void *, size_t, size_t, unsigned), heaptrace_esp_init_v1, record_buffer, num_records,
			    sizeof(heap_trace_record_t), CONFIG_HEAP_TRACING_STACK_DEPTH);
}

/**
 * Let heap tracing have a buffer of its own, outside of the heap. Not in ESP-IDF.
 *
 * @param num_records  records that fit; with HEAP_TRACE_GROW at first
 * @param policy       what happens when it is full
 * @return ESP_OK, ESP_ERR_INVALID_STATE while tracing, ESP_ERR_INVALID_ARG, ESP_ERR_NO_MEM, ESP_ERR_NOT_SUPPORTED
 */
static inline esp_err_t heap_trace_init_auto(size_t num_records, heap_trace_policy_t policy)
{
	heaptrace_esp_hooks_();
	HEAPTRACE_ESP_CALL_((size_t, unsigned, unsigned), heaptrace_esp_init_auto_v1, num_records, (unsigned)policy,
			    CONFIG_HEAP_TRACING_STACK_DEPTH);
}

/**
 * Trace to a file instead: every event goes there at once, and `heaptrace report FILE` makes the report of it. Also after
 * the program was killed. Nothing of it ever waits: not for a reader of a FIFO, which loses events while it is too slow
 * (the report says how many). A fork child writes to a file of its own.
 *
 * @param path  an existing FIFO, or a file that is made or overwritten; NULL: $HEAPTRACE_TOHOST, or heaptrace.PID.trace in
 *              the working directory. "%p" is the pid.
 * @return ESP_OK; ESP_ERR_INVALID_STATE while tracing; ESP_FAIL if it can not be opened; ESP_ERR_NOT_SUPPORTED
 */
static inline esp_err_t heap_trace_init_tohost_to(const char *path)
{
	heaptrace_esp_hooks_();
	HEAPTRACE_ESP_CALL_((const char *, unsigned), heaptrace_esp_init_tohost_v1, path, CONFIG_HEAP_TRACING_STACK_DEPTH);
}

/** The same to the usual place: heap_trace_init_tohost_to(NULL). */
static inline esp_err_t heap_trace_init_tohost(void)
{
	return heap_trace_init_tohost_to(NULL);
}

/**
 * Start tracing. Called while it runs: forget everything and go on.
 *
 * @param mode  in host-based mode it makes no difference
 * @return ESP_OK; ESP_ERR_INVALID_STATE without a buffer; ESP_ERR_INVALID_ARG for another mode; ESP_ERR_NOT_SUPPORTED
 */
static inline esp_err_t heap_trace_start(heap_trace_mode_t mode)
{
	heaptrace_esp_hooks_();
	HEAPTRACE_ESP_CALL_((int), heaptrace_esp_start_v1, (int)mode);
}

/**
 * Stop tracing. Allocations cost next to nothing from then on. Frees are looked up as long as there are records, for
 * heap_trace_resume(); heap_trace_init_standalone(NULL, 0) ends that too.
 *
 * @return ESP_OK, ESP_ERR_INVALID_STATE if it was not in progress, ESP_ERR_NOT_SUPPORTED
 */
static inline esp_err_t heap_trace_stop(void)
{
	HEAPTRACE_ESP_CALL_((void), heaptrace_esp_stop_v1, );
}

/**
 * Go on without forgetting anything, after a stop or a pause; in mode HEAP_TRACE_ALL if it was never started. Recorded
 * blocks that were freed in between are no longer taken for leaks.
 *
 * @return ESP_OK; ESP_ERR_INVALID_STATE if it runs, or without a buffer; ESP_ERR_NOT_SUPPORTED
 */
static inline esp_err_t heap_trace_resume(void)
{
	HEAPTRACE_ESP_CALL_((void), heaptrace_esp_resume_v1, );
}

/** From now on trace frees only. @return ESP_OK, ESP_ERR_INVALID_STATE if it does not run, ESP_ERR_NOT_SUPPORTED */
static inline esp_err_t heap_trace_alloc_pause(void)
{
	HEAPTRACE_ESP_CALL_((void), heaptrace_esp_pause_v1, );
}

/** Number of records, also while tracing; 0 in host-based mode and when not traced. */
static inline size_t heap_trace_get_count(void)
{
	HEAPTRACE_CALL_(0, size_t (*)(void), heaptrace_esp_count_v1, );
}

/**
 * A copy of a record. Other threads may allocate and free meanwhile; a record that goes lets the younger ones move up.
 *
 * @param index   0 is the oldest
 * @param record  out
 * @return ESP_OK; ESP_ERR_INVALID_ARG beyond the last one; ESP_ERR_INVALID_STATE without a buffer or `record`;
 *         ESP_ERR_NOT_SUPPORTED, also in host-based mode
 */
static inline esp_err_t heap_trace_get(size_t index, heap_trace_record_t *record)
{
	HEAPTRACE_ESP_CALL_((size_t, void *, size_t, unsigned), heaptrace_esp_get_v1, index, record, sizeof(*record),
			    CONFIG_HEAP_TRACING_STACK_DEPTH);
}

/** Figures. @return ESP_OK, ESP_ERR_INVALID_ARG for NULL, ESP_ERR_NOT_SUPPORTED, also in host-based mode */
static inline esp_err_t heap_trace_summary(heap_trace_summary_t *summary)
{
	HEAPTRACE_ESP_CALL_((void *, size_t), heaptrace_esp_summary_v1, summary, summary ? sizeof(*summary) : 0);
}

/** More figures. Not in ESP-IDF. @return as heap_trace_summary() */
static inline esp_err_t heap_trace_summary_ex(heap_trace_summary_ex_t *summary)
{
	HEAPTRACE_ESP_CALL_((void *, size_t), heaptrace_esp_summary_v1, summary, summary ? sizeof(*summary) : 0);
}

typedef esp_err_t (*heaptrace_esp_dump_)(int, unsigned, uint32_t, heap_trace_mark_t);

/* One line instead of a dump: the program runs on. */
static inline esp_err_t heaptrace_esp_dump_to_(int fd, unsigned flags, uint32_t caps, heap_trace_mark_t since)
{
	static heaptrace_function_ place_;
	heaptrace_function_ function_ = heaptrace_look_up_(&place_, "heaptrace_esp_dump_v1");

	heaptrace_flush_(fd);
	if (function_)
		return ((heaptrace_esp_dump_)function_)(fd, flags, caps, since);
	fputs("heap trace: this program is not traced; run it as `heaptrace PROGRAM`\n", stderr);
	return ESP_ERR_NOT_SUPPORTED;
}

/** Write all records and a summary to standard output. Nothing in host-based mode. */
static inline void heap_trace_dump(void)
{
	heaptrace_esp_dump_to_(1, HEAP_TRACE_DUMP_DEFAULT, MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM, 0);
}

/**
 * The same with the records of blocks in some kinds of memory only. Header and summary are of all.
 *
 * @param caps  MALLOC_CAP_INTERNAL, MALLOC_CAP_SPIRAM; both: also blocks of which that is not known
 */
static inline void heap_trace_dump_caps(const uint32_t caps)
{
	heaptrace_esp_dump_to_(1, HEAP_TRACE_DUMP_DEFAULT, caps, 0);
}

/**
 * A dump to another descriptor, or in another shape. Not in ESP-IDF.
 *
 * @param fd     an open descriptor
 * @param flags  HEAP_TRACE_DUMP_*
 * @return ESP_OK; ESP_ERR_INVALID_ARG for a bad descriptor or flags that contradict each other; ESP_FAIL if writing
 *         failed; ESP_ERR_NO_MEM; ESP_ERR_NOT_SUPPORTED, also in host-based mode
 */
static inline esp_err_t heap_trace_dump_fd(int fd, unsigned flags)
{
	return heaptrace_esp_dump_to_(fd, flags, MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM, 0);
}

/** A mark: what is allocated from here on is what heap_trace_dump_since() shows. Not in ESP-IDF. */
static inline heap_trace_mark_t heap_trace_mark(void)
{
	HEAPTRACE_CALL_(0, heap_trace_mark_t (*)(void), heaptrace_esp_mark_v1, );
}

/**
 * Dump what was allocated since a mark and is still there, by backtrace, the most bytes first. One dump alone shows much
 * that is meant to stay; what has grown between two points is what leaks. Not in ESP-IDF.
 */
static inline void heap_trace_dump_since(heap_trace_mark_t mark)
{
	heaptrace_esp_dump_to_(1, HEAP_TRACE_DUMP_GROUPED, MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM, mark + 1);
}

#ifndef HEAPTRACE_HAS_ESP_HEAP_CAPS_
/** Have a function called whenever an allocation fails; NULL: none. @return ESP_OK, ESP_ERR_NOT_SUPPORTED */
static inline esp_err_t heap_caps_register_failed_alloc_callback(esp_alloc_failed_hook_t callback)
{
	HEAPTRACE_ESP_CALL_((esp_alloc_failed_hook_t), heaptrace_esp_failed_v1, callback);
}
#endif

#ifdef __cplusplus
}
#endif

#endif
