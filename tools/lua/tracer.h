// SPDX-License-Identifier: MIT

/*
 * Tracing one Lua state: its allocator is wrapped by one that keeps records with the lines of the Lua program. Under
 * heaptrace a session of its library records the whole process beside it, with backtraces of C (native.h).
 */

#ifndef HEAPTRACE_LUA_TRACER_H
#define HEAPTRACE_LUA_TRACER_H

#include "lines.h"
#include "recorder.h"

struct tracer {
	struct recorder recorder;
	struct lines lines;
	lua_Alloc real;       /* the allocator below ours */
	void *real_ud;
	bool installed;
	bool closing;         /* the state is at its end, but somebody has wrapped our allocator: free with the state */
	bool native;          /* under heaptrace: its session decides what is recorded */
	unsigned frames;      /* of C, named with a block; 0: those outside of the interpreter */
	const void *interpreter, *libc; /* objects that these are in */
	struct lua_line last[LINES_MAX]; /* that were captured last, for blocks that grow */
	unsigned last_count;
};

/** What a summary has. */
struct tracer_summary {
	enum recorder_mode mode;
	uint64_t allocations, frees, count, capacity, high_water, evicted;
	uint64_t alive, bytes; /* blocks that are not freed */
	uint64_t needed;       /* records that would have been enough */
};

/** Begin with a state. @return NULL when there is no memory */
struct tracer *tracer_open(lua_State *L);

/** The state's finalizers run: stop, give its own allocator back, free. */
void tracer_close(struct tracer *tracer, lua_State *L);

/**
 * As the Lua functions of these names. @return CODE_*
 * @param depth   lines of Lua kept with a block
 * @param frames  see struct tracer
 */
int tracer_init(struct tracer *tracer, lua_State *L, uint32_t records, unsigned depth, unsigned frames);
int tracer_start(struct tracer *tracer, lua_State *L, enum recorder_mode mode);
int tracer_stop(struct tracer *tracer, lua_State *L);
int tracer_pause(struct tracer *tracer, lua_State *L);
int tracer_resume(struct tracer *tracer, lua_State *L);

/** Figures of now. */
void tracer_summarize(const struct tracer *tracer, struct tracer_summary *summary);

#endif
