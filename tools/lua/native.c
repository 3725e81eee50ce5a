// SPDX-License-Identifier: MIT

/*
 * What the library sees of a block of Lua's is realloc, called by the interpreter's own allocator, called by ours, called by
 * Lua's memory functions: these frames are left out. So are the rest of the interpreter's, where the lines of Lua say more:
 * what is left is who called it and whom it called, a module in C or the program that it is embedded in. init() can ask for
 * a number of frames, whosever they are.
 */

#include "native.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "dump.h"
#include "heaptrace/esp_heap_trace.h"

#define DEPTH CONFIG_HEAP_TRACING_STACK_DEPTH
#define ALLOCATORS 6 /* frames among which ours is found */

/* This module's own code. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

struct records {
	heap_trace_record_t *records;
	const struct record **lua; /* of the same block, NULL: it is not Lua's */
	size_t count, size;
};

bool native_is_there(void)
{
	return heaptrace_is_traced();
}

int native_init(uint32_t records)
{
	heap_trace_stop();
	return heap_trace_init_auto(records, HEAP_TRACE_EVICT_OLDEST);
}

int native_start(enum recorder_mode mode)
{
	return heap_trace_start(mode == MODE_LEAKS ? HEAP_TRACE_LEAKS : HEAP_TRACE_ALL);
}

int native_stop(void)
{
	return heap_trace_stop();
}

int native_pause(void)
{
	return heap_trace_alloc_pause();
}

int native_resume(void)
{
	return heap_trace_resume();
}

void native_summarize(struct tracer_summary *summary)
{
	heap_trace_summary_ex_t figures;

	*summary = (struct tracer_summary) { 0 };
	memset(&figures, 0, sizeof(figures));
	if (heap_trace_summary_ex(&figures))
		return;
	*summary = (struct tracer_summary) {
		.mode = figures.summary.mode == HEAP_TRACE_LEAKS ? MODE_LEAKS : MODE_ALL,
		.allocations = figures.summary.total_allocations, .frees = figures.summary.total_frees,
		.count = figures.summary.count, .capacity = figures.summary.capacity,
		.high_water = figures.summary.high_water_mark, .evicted = figures.evicted, .bytes = figures.bytes_live,
		.needed = figures.summary.high_water_mark + figures.evicted,
	};
}

/* A copy; what other threads do meanwhile may or may not be in it. */
static bool take(struct records *all)
{
	size_t room = heap_trace_get_count() + 256;

	all->size = room * (sizeof(*all->records) + sizeof(*all->lua));
	all->records = recorder_map(all->size);
	if (!all->records)
		return false;
	all->lua = (const struct record **)(all->records + room);
	for (all->count = 0; all->count < room; all->count++)
		if (heap_trace_get(all->count, &all->records[all->count]))
			break;
	return true;
}

/* An address may have several records: the newest belong together, and so on. */
static void match(struct records *all, const struct tracer *tracer)
{
	uint64_t below = UINT64_MAX;

	for (size_t i = all->count; i-- > 0;) {
		const heap_trace_record_t *record = &all->records[i];

		all->lua[i] = recorder_match(&tracer->recorder, record->address, record->size, below);
		if (all->lua[i])
			below = all->lua[i]->sequence;
	}
}

static bool is_ours(const void *address)
{
	return (const char *)address > __ehdr_start && (const char *)address < _end;
}

/* The first frame that is not about allocating. */
static unsigned first_frame(const heap_trace_record_t *record)
{
	for (unsigned i = ALLOCATORS; i-- > 0;)
		if (is_ours(record->alloced_by[i]))
			return i + 2; /* who called our allocator is a memory function of Lua's */
	return 0;
}

/* The object that some code lies in. */
static const void *object_of(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) ? info.dli_fbase : NULL;
}

/*
 * Names of frames: so many as are asked for, whosever they are. Otherwise those of modules and of the program around the
 * interpreter, and of the C library's functions that they or the interpreter called to get a block which is not Lua's.
 */
static void add_names(struct text *text, const struct tracer *tracer, void *const *frames, unsigned first, bool is_lua)
{
	unsigned end = tracer->frames && first + tracer->frames < DEPTH ? first + tracer->frames : DEPTH;
	bool called = !is_lua;

	for (unsigned i = first; i < end && frames[i]; i++) {
		const void *object = object_of((char *)frames[i] - 1);
		bool runtime = object == tracer->interpreter || is_ours(frames[i]);

		called = called && !runtime;
		if (tracer->frames || called || (!runtime && object != tracer->libc))
			text_add(text, "\1%lx\n", (unsigned long)frames[i]);
	}
}

void native_learn(struct tracer *tracer)
{
	tracer->interpreter = object_of((const void *)(uintptr_t)lua_gc);
	tracer->libc = object_of((const void *)(uintptr_t)strerror);
}

static void add_addresses(struct text *text, const char *before, void *const *frames)
{
	text_add(text, "%s", before);
	for (unsigned i = 0; i < DEPTH && frames[i]; i++)
		text_add(text, "%s%p", i ? ":" : "", frames[i]);
}

static void add_record(struct text *text, const struct tracer *tracer, const heap_trace_record_t *record,
		       const struct record *lua, bool old_format)
{
	unsigned first = lua ? first_frame(record) : 0;

	dump_head(text, record->address, record->size, lua ? lua->cpu : record->ccount & 1, record->ccount, old_format);
	if (lua)
		dump_lines(text, tracer, lua);
	else
		add_addresses(text, " caller ", record->alloced_by);
	if (record->freed && lua)
		text_add(text, " freed");
	else if (record->freed)
		add_addresses(text, "\nfreed by ", record->freed_by);
	text_add(text, "\n");
	add_names(text, tracer, record->alloced_by, first, lua);
}

size_t native_write(struct text *text, const struct tracer *tracer, uint64_t since, bool old_format)
{
	struct records all;
	bool is_new = !since;
	size_t alive = 0;

	if (!take(&all)) {
		text->failed = true;
		return 0;
	}
	match(&all, tracer);
	for (size_t i = 0; i < all.count; i++) {
		alive += !all.records[i].freed;
		is_new |= all.lua[i] && all.lua[i]->sequence > since;
		if (is_new)
			add_record(text, tracer, &all.records[i], all.lua[i], old_format);
	}
	recorder_unmap(all.records, all.size);
	return alive;
}

int native_write_out(const struct text *text, int fd)
{
	static heaptrace_function_ place;
	heaptrace_function_ function = heaptrace_look_up_(&place, "heaptrace_text_v1");

	if (!function)
		return ENOSYS;
	return -((int (*)(int, const char *, size_t))function)(fd, text->memory, text->used);
}
