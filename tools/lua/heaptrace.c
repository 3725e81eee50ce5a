// SPDX-License-Identifier: MIT

/*
 * The Lua 5.4 module heaptrace: NodeMCU's functions of that name (init, start, stop, resume, dump), and a few more, on any
 * Linux. It resolves against the interpreter that loads it and links no liblua.
 *
 *	heaptrace.c  what Lua calls
 *	tracer.c     the state's allocator, wrapped
 *	recorder.c   the records of blocks
 *	lines.c      which line of Lua is running
 *	native.c     heaptrace's library, when it is there
 *	dump.c       the report; text.c its memory
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dump.h"
#include "lauxlib.h"
#include "lua.h"
#include "native.h"
#include "tracer.h"

#define DEFAULT_LINES 8
#define MAX_FRAMES 16

__attribute__((visibility("default"))) int luaopen_heaptrace(lua_State *L);

/* Every function has the box with the state's tracer as its upvalue; it is empty once the state closes. */
static struct tracer *tracer_of(lua_State *L)
{
	struct tracer **box = lua_touserdata(L, lua_upvalueindex(1));

	if (!*box)
		luaL_error(L, "the Lua state is being closed");
	return *box;
}

static int check(lua_State *L, const char *what, int code)
{
	if (code == CODE_NO_MEM)
		return luaL_error(L, "out of memory");
	if (code)
		return luaL_error(L, "failed to %s heap tracing; code %d", what, code);
	return 0;
}

/* heaptrace.init(records [, lines [, frames]]) */
static int init(lua_State *L)
{
	struct tracer *tracer = tracer_of(L);
	lua_Integer records = luaL_checkinteger(L, 1);
	lua_Integer depth = luaL_optinteger(L, 2, DEFAULT_LINES);
	lua_Integer frames = luaL_optinteger(L, 3, 0);

	luaL_argcheck(L, frames >= 0 && frames <= MAX_FRAMES, 3, "0 to 16 frames");
	luaL_argcheck(L, depth >= 1 && depth <= (lua_Integer)LINES_MAX, 2, "1 to 64 lines");
	if (records <= 0 || records > INT_MAX)
		return luaL_error(L, "invalid trace buffer size");
	return check(L, "init", tracer_init(tracer, L, (uint32_t)records, (unsigned)depth, (unsigned)frames));
}

static int start(lua_State *L)
{
	struct tracer *tracer = tracer_of(L);
	lua_Integer mode = luaL_checkinteger(L, 1);

	if (mode != MODE_ALL && mode != MODE_LEAKS)
		return luaL_error(L, "invalid trace mode");
	return check(L, "start", tracer_start(tracer, L, (enum recorder_mode)mode));
}

static int stop(lua_State *L)
{
	return check(L, "stop", tracer_stop(tracer_of(L), L));
}

static int pause_tracing(lua_State *L)
{
	return check(L, "pause", tracer_pause(tracer_of(L), L));
}

static int resume(lua_State *L)
{
	return check(L, "resume", tracer_resume(tracer_of(L), L));
}

/* Under heaptrace with names for addresses. */
static int write_named(lua_State *L, const struct text *text, int fd)
{
	int error = tracer_of(L)->native ? native_write_out(text, fd) : ENOSYS;

	return error == ENOSYS ? text_write(text, fd) : error;
}

/* Write to an open file of Lua's, to a path, or to standard output. */
static int write_text(lua_State *L, int argument, const struct text *text)
{
	luaL_Stream *stream = luaL_testudata(L, argument, LUA_FILEHANDLE);
	const char *path = stream ? NULL : luaL_optstring(L, argument, NULL);
	FILE *file = stream ? stream->f : stdout;
	int fd, error;

	if (!path) {
		fflush(file);
		return write_named(L, text, fileno(file));
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return errno;
	error = write_named(L, text, fd);
	return close(fd) && !error ? errno : error;
}

static int dump_after(lua_State *L, uint64_t since, int argument)
{
	struct tracer *tracer = tracer_of(L);
	luaL_Stream *stream = luaL_testudata(L, argument, LUA_FILEHANDLE);
	struct text text = { 0 };
	int error;

	luaL_argcheck(L, !stream || stream->closef, argument, "closed file");
	luaL_argcheck(L, stream || lua_isnoneornil(L, argument) || lua_type(L, argument) == LUA_TSTRING, argument,
		      "file or path expected");
	dump_text(&text, tracer, since);
	error = write_text(L, argument, &text);
	text_free(&text);
	/* To the console it never fails, as on the device. */
	if (error && !lua_isnoneornil(L, argument))
		return luaL_error(L, "dump: %s: %s", stream ? "file" : lua_tostring(L, argument), strerror(error));
	return 0;
}

/* heaptrace.dump([file]) */
static int dump(lua_State *L)
{
	return dump_after(L, 0, 1);
}

/* heaptrace.gc_dump([file]): collect first, twice, for what finalizers keep */
static int gc_dump(lua_State *L)
{
	lua_gc(L, LUA_GCCOLLECT);
	lua_gc(L, LUA_GCCOLLECT);
	return dump_after(L, 0, 1);
}

static int mark(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)tracer_of(L)->recorder.sequence);
	return 1;
}

/* heaptrace.dump_since(mark [, file]) */
static int dump_since(lua_State *L)
{
	lua_Integer since = luaL_checkinteger(L, 1);

	return dump_after(L, since > 0 ? (uint64_t)since : 0, 2);
}

static int count(lua_State *L)
{
	struct tracer_summary s;

	tracer_summarize(tracer_of(L), &s);
	lua_pushinteger(L, (lua_Integer)s.count);
	return 1;
}

static void set_number(lua_State *L, const char *name, uint64_t value)
{
	lua_pushinteger(L, (lua_Integer)value);
	lua_setfield(L, -2, name);
}

static int summary(lua_State *L)
{
	struct tracer_summary s;

	tracer_summarize(tracer_of(L), &s);
	lua_createtable(L, 0, 9);
	set_number(L, "mode", s.mode);
	set_number(L, "total_allocations", s.allocations);
	set_number(L, "total_frees", s.frees);
	set_number(L, "count", s.count);
	set_number(L, "capacity", s.capacity);
	set_number(L, "high_water_mark", s.high_water);
	set_number(L, "evicted", s.evicted);
	set_number(L, "bytes", s.bytes);
	lua_pushboolean(L, s.evicted > 0);
	lua_setfield(L, -2, "has_overflowed");
	return 1;
}

/* Step of the iterator: (last number wanted, number so far) -> number, table */
static int next_record(lua_State *L)
{
	struct tracer *tracer = tracer_of(L);
	lua_Integer last = luaL_checkinteger(L, 1), so_far = luaL_checkinteger(L, 2);
	const struct record *record = recorder_after(&tracer->recorder, (uint64_t)so_far);
	char caller[128], address[32];
	uint64_t sequence, size;
	bool freed;

	if (!record || record->sequence > (uint64_t)last)
		return 0;
	/* What follows allocates: the record may be gone afterwards. */
	sequence = record->sequence;
	size = record->size;
	freed = record->freed;
	dump_caller(tracer, record, caller, sizeof(caller));
	snprintf(address, sizeof(address), "%p", record->address);
	lua_pushinteger(L, (lua_Integer)sequence);
	lua_createtable(L, 0, 4);
	set_number(L, "size", size);
	lua_pushstring(L, address);
	lua_setfield(L, -2, "address");
	lua_pushstring(L, caller);
	lua_setfield(L, -2, "caller");
	lua_pushboolean(L, freed);
	lua_setfield(L, -2, "freed");
	return 2;
}

/* for number, block in heaptrace.records() do ... end: those that are there now, the oldest first */
static int records(lua_State *L)
{
	uint64_t last = tracer_of(L)->recorder.sequence;

	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushcclosure(L, next_record, 1);
	lua_pushinteger(L, (lua_Integer)last);
	lua_pushinteger(L, 0);
	return 3;
}

static int backend(lua_State *L)
{
	lua_pushstring(L, tracer_of(L)->native ? "preload" : "lua-alloc");
	return 1;
}

/* The state closes, or the module is collected: nothing may come back to us. */
static int close_box(lua_State *L)
{
	struct tracer **box = lua_touserdata(L, 1);

	if (*box)
		tracer_close(*box, L);
	*box = NULL;
	return 0;
}

static void push_box(lua_State *L)
{
	struct tracer **box = lua_newuserdatauv(L, sizeof(*box), 0);

	*box = NULL;
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, close_box);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2);
	*box = tracer_open(L);
	if (!*box)
		luaL_error(L, "out of memory");
}

int luaopen_heaptrace(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "init", init }, { "start", start }, { "stop", stop }, { "resume", resume }, { "dump", dump },
		{ "pause", pause_tracing }, { "gc_dump", gc_dump }, { "mark", mark }, { "dump_since", dump_since },
		{ "count", count }, { "summary", summary }, { "records", records }, { "backend", backend },
		{ NULL, NULL },
	};

	luaL_checkversion(L);
	luaL_newlibtable(L, functions);
	push_box(L);
	luaL_setfuncs(L, functions, 1);
	lua_pushinteger(L, MODE_ALL);
	lua_setfield(L, -2, "TRACE_ALL");
	lua_pushinteger(L, MODE_LEAKS);
	lua_setfield(L, -2, "TRACE_LEAKS");
	return 1;
}
