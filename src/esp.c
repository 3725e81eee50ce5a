// SPDX-License-Identifier: MIT

/*
 * ESP-IDF's heap_trace: what include/heaptrace/esp_heap_trace.h looks up, and the plain names for others that can call a
 * library (ctypes, FFI). It is one session; the program's array of records is a copy that nothing here ever reads.
 */

#include "esp.h"
#include "../include/heaptrace/esp_heap_trace.h"
#include "lookup.h"
#include "rendezvous.h"
#include "tohost.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define DEFAULT_DEPTH CONFIG_HEAP_TRACING_STACK_DEPTH
#define GROWTH_LIMIT (1u << 20)

/* `name` is what the symbol is called; here it has a prefix, because the header has functions of these names. */
#define API(type, name, ...) \
	EXPORT type esp_##name(__VA_ARGS__) __asm__(#name); \
	EXPORT type esp_##name(__VA_ARGS__)

/* The plain name of a function whose versioned name stands above it. */
#define ALSO(type, name, versioned, ...) \
	EXPORT type esp_##name(__VA_ARGS__) __asm__(#name) __attribute__((alias(#versioned)))

/* A record as the program sees it, whatever its depth: alloced_by[depth], freed_by[depth] follow. */
struct program_record {
	uint32_t ccount;
	void *address;
	size_t size;
	bool freed;
	void *frames[];
};
_Static_assert(offsetof(heap_trace_record_t, alloced_by) == sizeof(struct program_record), "the header's record");

static struct session trace;
static char *array;            /* [lock] the program's, NULL: none */
static size_t array_record;    /* bytes of a record there */
static bool array_is_dead;     /* [lock] it lay in the frame of a function that has returned */
static bool to_host;
static bool changing;          /* [atomic] a thread is inside of init */

/* Whether the calls of this thread can do anything. */
static bool traced(void)
{
	guest_start();
	return load_acquire(&guest.status) == GUEST_ACTIVE && thread_get();
}

static esp_err_t code_of(int error)
{
	switch (error) {
	case 0: return ESP_OK;
	case -EBUSY: case -EINVAL: return ESP_ERR_INVALID_STATE;
	case -ENOMEM: case -ENOSPC: return ESP_ERR_NO_MEM;
	default: return ESP_FAIL;
	}
}

static void fill(struct program_record *out, const struct record *record, unsigned depth)
{
	out->ccount = ((uint32_t)record->ns & ~3u) | (record->cpu & 1u);
	out->address = (void *)record->address;
	out->size = record->size;
	out->freed = record->state == RECORD_FREED;
	for (unsigned i = 0; i < depth; i++)
		out->frames[i] = i < record->allocated_depth ? (void *)record->frames[i] : NULL;
	for (unsigned i = 0; i < depth; i++)
		out->frames[depth + i] = i < record->freed_depth ? (void *)record->frames[depth + i] : NULL;
}

/* The array lies on the stack, and below the frame of who calls now: its function has returned without stopping. */
static bool is_dead(const struct session_event *event)
{
	return event && thread_owns(event->thread, (uintptr_t)array) && thread_owns(event->thread, event->sp) &&
	       (uintptr_t)array < event->sp;
}

static void changed(struct session *session, uint32_t slot, const struct record *record, const struct session_event *event)
{
	if (!array)
		return;
	if (unlikely(is_dead(event))) {
		array = NULL;
		array_is_dead = true;
		return;
	}
	struct program_record *out = (struct program_record *)(array + slot * array_record);

	if (record)
		fill(out, record, session->depth);
	else
		memset(out, 0, array_record);
}

static void cleared(struct session *session)
{
	if (array)
		memset(array, 0, session->records.used * array_record);
}

/* A thread of the parent that was inside of init is not here. */
static void forked(struct session *session)
{
	changing = false;
}

static const struct session_listener mirror = {.changed = changed, .cleared = cleared, .forked = forked};

static void say(const char *text)
{
	raw_call(SYS_write, 2, text, strlen(text), 0);
}

static void warn_of_dead_array(void)
{
	if (!array_is_dead)
		return;
	array_is_dead = false;
	say("[heaptrace] heap_trace: the record buffer lay on the stack of a function that has returned; records are kept, but "
	    "no longer written there. Make it static, or stop tracing before the function returns.\n");
}

/* @return false: it runs, or another thread is here */
static bool begin_change(void)
{
	if (__atomic_exchange_n(&changing, true, __ATOMIC_ACQUIRE))
		return false;
	if (session_close(&trace) == 0)
		return true;
	store_release(&changing, false);
	return false;
}

static void drop_place(void)
{
	if (to_host)
		tohost_close();
	to_host = false;
	array = NULL;
	array_is_dead = false;
}

static esp_err_t end_change(const struct session_options *options)
{
	int error = options ? session_open(&trace, options) : 0;

	if (error)
		array = NULL;
	store_release(&changing, false);
	return code_of(error);
}

static esp_err_t init(void *records, size_t count, size_t record_size, unsigned depth)
{
	struct session_options options = {.policy = SESSION_EVICT_OLDEST, .capacity = (uint32_t)count, .depth = depth,
					  .listener = &mirror};

	if (!traced())
		return ESP_ERR_NOT_SUPPORTED;
	if (!records != !count || depth > RECORDS_MAX_DEPTH ||
	    record_size < sizeof(struct program_record) + 2 * depth * sizeof(void *))
		return ESP_ERR_INVALID_ARG;
	if (count > RECORDS_MAX)
		return ESP_ERR_NO_MEM;
	if (!begin_change())
		return ESP_ERR_INVALID_STATE;
	drop_place();
	if (!records)
		return end_change(NULL);
	memset(records, 0, count * record_size);
	array_record = record_size;
	array = records;
	return end_change(&options);
}

API(esp_err_t, heaptrace_esp_init_v1, void *records, size_t count, size_t record_size, unsigned depth)
{
	return init(records, count, record_size, depth);
}

API(esp_err_t, heap_trace_init_standalone, heap_trace_record_t *records, size_t count)
{
	return init(records, count, sizeof(*records), DEFAULT_DEPTH);
}

static esp_err_t init_auto(size_t count, unsigned policy, unsigned depth)
{
	static const enum session_policy policies[] = {
		[HEAP_TRACE_EVICT_OLDEST] = SESSION_EVICT_OLDEST, [HEAP_TRACE_DROP_NEW] = SESSION_DROP_NEW,
		[HEAP_TRACE_GROW] = SESSION_GROW,
	};
	size_t limit = count * 16 < GROWTH_LIMIT ? GROWTH_LIMIT : count * 16;

	if (!traced())
		return ESP_ERR_NOT_SUPPORTED;
	if (!count || policy > HEAP_TRACE_GROW || depth > RECORDS_MAX_DEPTH)
		return ESP_ERR_INVALID_ARG;
	if (count > RECORDS_MAX)
		return ESP_ERR_NO_MEM;
	if (!begin_change())
		return ESP_ERR_INVALID_STATE;
	drop_place();
	return end_change(&(struct session_options){
		.policy = policies[policy], .capacity = (uint32_t)count, .depth = depth, .listener = &mirror,
		.limit = limit > RECORDS_MAX ? RECORDS_MAX : (uint32_t)limit,
	});
}

API(esp_err_t, heaptrace_esp_init_auto_v1, size_t count, unsigned policy, unsigned depth)
{
	return init_auto(count, policy, depth);
}

API(esp_err_t, heap_trace_init_auto, size_t count, heap_trace_policy_t policy)
{
	return init_auto(count, (unsigned)policy, DEFAULT_DEPTH);
}

static esp_err_t init_tohost(const char *path, unsigned depth)
{
	if (!traced())
		return ESP_ERR_NOT_SUPPORTED;
	if (depth > RECORDS_MAX_DEPTH)
		return ESP_ERR_INVALID_ARG;
	if (!begin_change())
		return ESP_ERR_INVALID_STATE;
	drop_place();
	if (tohost_open(path)) {
		end_change(NULL);
		return ESP_FAIL;
	}
	to_host = true;
	return end_change(&(struct session_options){.depth = depth, .listener = &tohost_listener});
}

API(esp_err_t, heaptrace_esp_init_tohost_v1, const char *path, unsigned depth)
{
	return init_tohost(path, depth);
}

API(esp_err_t, heap_trace_init_tohost, void)
{
	return init_tohost(NULL, DEFAULT_DEPTH);
}

API(esp_err_t, heap_trace_init_tohost_to, const char *path)
{
	return init_tohost(path, DEFAULT_DEPTH);
}

static esp_err_t start(int mode)
{
	if (!traced())
		return ESP_ERR_NOT_SUPPORTED;
	if (mode != HEAP_TRACE_ALL && mode != HEAP_TRACE_LEAKS)
		return ESP_ERR_INVALID_ARG;
	warn_of_dead_array();
	return code_of(session_start(&trace, mode == HEAP_TRACE_LEAKS && !to_host ? SESSION_LEAKS : SESSION_ALL));
}

API(esp_err_t, heaptrace_esp_start_v1, int mode)
{
	return start(mode);
}

API(esp_err_t, heap_trace_start, heap_trace_mode_t mode)
{
	return start((int)mode);
}

API(esp_err_t, heaptrace_esp_stop_v1, void)
{
	int error;

	if (!traced())
		return ESP_ERR_NOT_SUPPORTED;
	error = session_stop(&trace);
	if (!error && to_host)
		tohost_pause();
	warn_of_dead_array();
	return code_of(error);
}

ALSO(esp_err_t, heap_trace_stop, heaptrace_esp_stop_v1, void);

API(esp_err_t, heaptrace_esp_resume_v1, void)
{
	return traced() ? code_of(session_resume(&trace)) : ESP_ERR_NOT_SUPPORTED;
}

ALSO(esp_err_t, heap_trace_resume, heaptrace_esp_resume_v1, void);

API(esp_err_t, heaptrace_esp_pause_v1, void)
{
	return traced() ? code_of(session_pause(&trace)) : ESP_ERR_NOT_SUPPORTED;
}

ALSO(esp_err_t, heap_trace_alloc_pause, heaptrace_esp_pause_v1, void);

API(size_t, heaptrace_esp_count_v1, void)
{
	return session_count(&trace);
}

ALSO(size_t, heap_trace_get_count, heaptrace_esp_count_v1, void);

/* Copied through a record of the engine's, so that the program's memory is not written to under the lock. */
static esp_err_t get(size_t index, void *out, size_t record_size, unsigned depth)
{
	struct session_record record;
	struct program_record *to = out;

	if (!traced() || to_host)
		return ESP_ERR_NOT_SUPPORTED;
	if (!out || trace.state == SESSION_NONE)
		return ESP_ERR_INVALID_STATE;
	if (depth > RECORDS_MAX_DEPTH || record_size < sizeof(*to) + 2 * depth * sizeof(void *) || index > RECORDS_MAX ||
	    session_get(&trace, (uint32_t)index, &record))
		return ESP_ERR_INVALID_ARG;
	memset(out, 0, record_size);
	to->ccount = ((uint32_t)record.ns & ~3u) | (record.cpu & 1u);
	to->address = (void *)record.address;
	to->size = record.size;
	to->freed = record.state == RECORD_FREED;
	memcpy(to->frames, record.allocated_by, (record.allocated_depth < depth ? record.allocated_depth : depth) * sizeof(void *));
	memcpy(to->frames + depth, record.freed_by, (record.freed_depth < depth ? record.freed_depth : depth) * sizeof(void *));
	return ESP_OK;
}

API(esp_err_t, heaptrace_esp_get_v1, size_t index, void *out, size_t record_size, unsigned depth)
{
	return get(index, out, record_size, depth);
}

API(esp_err_t, heap_trace_get, size_t index, heap_trace_record_t *out)
{
	return get(index, out, sizeof(*out), DEFAULT_DEPTH);
}

static void summarize(heap_trace_summary_ex_t *out)
{
	const struct session_figures *figures = &trace.figures;

	*out = (heap_trace_summary_ex_t){
		.summary = {
			.mode = trace.mode == SESSION_LEAKS ? HEAP_TRACE_LEAKS : HEAP_TRACE_ALL,
			.total_allocations = figures->allocations, .total_frees = figures->frees, .count = trace.records.count,
			.capacity = trace.records.capacity, .high_water_mark = figures->high_water,
			.has_overflowed = figures->evicted || figures->dropped,
		},
		.unmatched_frees = figures->unmatched_frees, .missed_frees = figures->missed_frees, .evicted = figures->evicted,
		.dropped = figures->dropped, .failed_allocs = figures->failed, .stop_gap_frees = figures->stop_gap_frees,
		.missed_events = figures->missed, .bytes_live = figures->bytes_live, .bytes_peak = figures->bytes_peak,
	};
}

static esp_err_t summary(void *out, size_t size)
{
	heap_trace_summary_ex_t all;
	struct session_hold hold;

	if (!traced() || to_host)
		return ESP_ERR_NOT_SUPPORTED;
	if (!out)
		return ESP_ERR_INVALID_ARG;
	if (!session_lock(&hold))
		return ESP_FAIL;
	summarize(&all);
	session_unlock(&hold);
	memset(out, 0, size);
	memcpy(out, &all, size < sizeof(all) ? size : sizeof(all));
	return ESP_OK;
}

API(esp_err_t, heaptrace_esp_summary_v1, void *out, size_t size)
{
	return summary(out, size);
}

API(esp_err_t, heap_trace_summary, heap_trace_summary_t *out)
{
	return summary(out, sizeof(*out));
}

API(esp_err_t, heap_trace_summary_ex, heap_trace_summary_ex_t *out)
{
	return summary(out, sizeof(*out));
}

static bool is_open(int fd)
{
	return load_relaxed(&guest.caged) || (fd >= 0 && raw_call(SYS_fcntl, fd, F_GETFD, 0, 0) >= 0);
}

static esp_err_t dump_snapshot(int fd, const struct esp_dump *dump)
{
	struct session_snapshot snapshot = {.mode = SESSION_ALL};
	int error;

	if (trace.state != SESSION_NONE && (error = session_snapshot(&trace, true, &snapshot)))
		return code_of(error);
	error = esp_dump_write(&snapshot, dump, fd);
	session_snapshot_free(&snapshot);
	return error ? error == -ENOMEM ? ESP_ERR_NO_MEM : ESP_FAIL : ESP_OK;
}

static esp_err_t dump(int fd, unsigned flags, uint32_t caps, uint64_t since)
{
	const unsigned shapes = flags & (HEAP_TRACE_DUMP_V4 | HEAP_TRACE_DUMP_V5 | HEAP_TRACE_DUMP_JSON);

	if (!traced() || to_host)
		return ESP_ERR_NOT_SUPPORTED;
	if (!is_open(fd) || (shapes & (shapes - 1)) || flags & 0xffe0 ||
	    (flags & HEAP_TRACE_DUMP_JSON && flags & HEAP_TRACE_DUMP_GROUPED))
		return ESP_ERR_INVALID_ARG;
	warn_of_dead_array();
	return dump_snapshot(fd, &(struct esp_dump){flags, caps, since});
}

API(esp_err_t, heaptrace_esp_dump_v1, int fd, unsigned flags, uint32_t caps, uint64_t since)
{
	return dump(fd, flags, caps, since);
}

API(void, heap_trace_dump, void)
{
	dump(1, 0, MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM, 0);
}

API(void, heap_trace_dump_caps, uint32_t caps)
{
	dump(1, 0, caps, 0);
}

API(esp_err_t, heap_trace_dump_fd, int fd, unsigned flags)
{
	return dump(fd, flags, MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM, 0);
}

API(uint64_t, heaptrace_esp_mark_v1, void)
{
	return session_mark(&trace);
}

ALSO(uint64_t, heap_trace_mark, heaptrace_esp_mark_v1, void);

API(void, heap_trace_dump_since, uint64_t mark)
{
	dump(1, HEAP_TRACE_DUMP_GROUPED, MALLOC_CAP_INTERNAL | MALLOC_CAP_SPIRAM, mark + 1);
}

API(void, heaptrace_esp_hooks_v1, void (*allocated)(void *, size_t, uint32_t), void (*freed)(void *))
{
	if (!traced() || (session_callbacks.allocated == allocated && session_callbacks.freed == freed))
		return;
	session_callbacks.allocated = allocated;
	session_callbacks.freed = freed;
	session_callbacks_changed();
}

API(esp_err_t, heaptrace_esp_failed_v1, void (*callback)(size_t, uint32_t, const char *))
{
	if (!traced())
		return ESP_ERR_NOT_SUPPORTED;
	session_callbacks.failed = callback;
	session_callbacks_changed();
	return ESP_OK;
}

ALSO(esp_err_t, heap_caps_register_failed_alloc_callback, heaptrace_esp_failed_v1,
     void (*callback)(size_t, uint32_t, const char *));
