// SPDX-License-Identifier: MIT

/*
 * The allocator around a state's own one. It stays for good once it is there, because a record must go when its block
 * does, also while tracing is stopped; and it goes before the state does, unless somebody has put one around ours.
 */

#include "tracer.h"

#include <string.h>

#include "native.h"

/* A block came: `old` is the one that it was made from, if there was one. */
static void allocated(struct tracer *tracer, const void *old, void *block, size_t size)
{
	struct record *record = recorder_allocated(&tracer->recorder, block, size);
	unsigned count;

	if (!record)
		return;
	if (!old)
		tracer->last_count = lines_capture(&tracer->lines, tracer->last, tracer->recorder.depth);
	count = tracer->last_count < tracer->recorder.depth ? tracer->last_count : tracer->recorder.depth;
	memcpy(record->lines, tracer->last, count * sizeof(*record->lines));
	record->line_count = (uint8_t)count;
	record->grown = old != NULL;
}

/*
 * The state's allocator; the frame of the real one stays below ours (heaptrace leaves both out of what it shows).
 * Where the old block is NULL, `old_size` is the kind of object that is wanted.
 */
static void *traced(void *ud, void *old, size_t old_size, size_t size)
{
	struct tracer *tracer = ud;
	bool last = tracer->closing && !size && old == lua_getextraspace(tracer->lines.main);
	void *block = tracer->real(tracer->real_ud, old, old_size, size);

	if (old && (block || !size))
		recorder_freed(&tracer->recorder, old);
	if (block && size)
		allocated(tracer, old, block, size);
	if (last)
		recorder_unmap(tracer, sizeof(*tracer));
	return block;
}

struct tracer *tracer_open(lua_State *L)
{
	struct tracer *tracer = recorder_map(sizeof(*tracer));

	if (tracer) {
		lines_open(&tracer->lines, L);
		tracer->native = native_is_there();
		native_learn(tracer);
	}
	return tracer;
}

static void install(struct tracer *tracer, lua_State *L)
{
	if (tracer->installed)
		return;
	tracer->real = lua_getallocf(L, &tracer->real_ud);
	lua_setallocf(L, traced, tracer);
	tracer->installed = true;
}

void tracer_close(struct tracer *tracer, lua_State *L)
{
	void *ud;

	recorder_close(&tracer->recorder);
	lines_unfollow(&tracer->lines, L);
	lines_close(&tracer->lines);
	if (!tracer->installed) {
		recorder_unmap(tracer, sizeof(*tracer));
	} else if (lua_getallocf(L, &ud) == traced && ud == tracer) {
		lua_setallocf(L, tracer->real, tracer->real_ud);
		recorder_unmap(tracer, sizeof(*tracer));
	} else {
		tracer->closing = true;
	}
}

/*
 * Under heaptrace its session decides: the recorder follows, so that it knows the lines of what is in the session. A block is
 * Lua's for both, or for neither.
 */

int tracer_init(struct tracer *tracer, lua_State *L, uint32_t records, unsigned depth, unsigned frames)
{
	int code;

	tracer->frames = frames;
	lines_unfollow(&tracer->lines, L);
	code = tracer->native ? native_init(records) : CODE_OK;
	if (code)
		recorder_close(&tracer->recorder);
	return code ? code : recorder_init(&tracer->recorder, records, depth);
}

int tracer_start(struct tracer *tracer, lua_State *L, enum recorder_mode mode)
{
	int code = recorder_start(&tracer->recorder, mode);

	if (code)
		return code;
	install(tracer, L);
	lines_follow(&tracer->lines, L);
	return tracer->native ? native_start(mode) : CODE_OK;
}

int tracer_stop(struct tracer *tracer, lua_State *L)
{
	int code = tracer->native ? native_stop() : CODE_OK, own = recorder_stop(&tracer->recorder);

	if (!own)
		lines_unfollow(&tracer->lines, L);
	return code ? code : own;
}

int tracer_pause(struct tracer *tracer, lua_State *L)
{
	int code = tracer->native ? native_pause() : CODE_OK, own = recorder_pause(&tracer->recorder);

	return code ? code : own;
}

int tracer_resume(struct tracer *tracer, lua_State *L)
{
	int code = recorder_resume(&tracer->recorder);

	if (code)
		return code;
	install(tracer, L);
	lines_follow(&tracer->lines, L);
	return tracer->native ? native_resume() : CODE_OK;
}

void tracer_summarize(const struct tracer *tracer, struct tracer_summary *summary)
{
	const struct recorder *recorder = &tracer->recorder;

	if (tracer->native) {
		native_summarize(summary);
		return;
	}
	*summary = (struct tracer_summary) {
		.mode = recorder->mode, .allocations = recorder->allocations, .frees = recorder->frees,
		.count = recorder->count, .capacity = recorder->capacity, .high_water = recorder->high_water,
		.evicted = recorder->evicted,
		.needed = recorder->mode == MODE_ALL ? recorder->allocations : recorder->needed,
	};
	for (const struct record *record = recorder_first(recorder); record; record = recorder_next(recorder, record))
		if (!record->freed) {
			summary->alive++;
			summary->bytes += record->size;
		}
}
