// SPDX-License-Identifier: MIT

/*
 * When an allocator may look at its Lua state. lua_getstack() and lua_getinfo("S", "l", "f") allocate nothing, and only
 * read the call chain and what the stack holds of it. The one moment when that is not whole is the reallocation of the
 * stack itself: since Lua 5.4.5 luaD_reallocstack() turns pointers into offsets around the allocator's call, and before
 * that they point into the old block when the call returns. That call has a block to be reallocated. So who asks for a
 * new block (no old one) may be looked at, and growth may not: that gets the lines that were seen last.
 *
 * What line it is. The interpreter keeps its program counter in a register, and does not write it down before it makes a
 * table; the line would be that of some earlier call. A count hook makes it write the counter down before every
 * instruction, without being called: the count is large. A program's own hook is left alone.
 *
 * Which coroutine is running. The allocator is told nothing. But a thread that has resumed another has coroutine.resume,
 * or what coroutine.wrap returned, as its innermost function, and the other one as that function's first argument or
 * upvalue. Reading that puts one value on the stack for a moment: of a C function, whose top is known, and Lua keeps five
 * slots beyond the end of every stack.
 */

#include "lines.h"

#include <stdbool.h>
#include <string.h>

#include "lauxlib.h"

#define HOOK_COUNT (1 << 20)
#define MAX_COROUTINES 16u
#define MAX_LEVELS 64
#define NAMES_ROOM (64u << 10)
#define NAMES_LIMIT (16u << 20) /* for programs that compile new text all the time */

/* Where lines_follow() is not in force any more, the hook takes itself away: threads can not be listed. */
static const char follow_key;

static void on_count(lua_State *L, lua_Debug *ar)
{
	bool followed;

	followed = lua_rawgetp(L, LUA_REGISTRYINDEX, &follow_key) == LUA_TBOOLEAN && lua_toboolean(L, -1);
	lua_pop(L, 1);
	if (!followed)
		lua_sethook(L, NULL, 0, 0);
}

static void hook(lua_State *L)
{
	if (!lua_gethook(L))
		lua_sethook(L, on_count, LUA_MASKCOUNT, HOOK_COUNT);
}

static void unhook(lua_State *L)
{
	if (lua_gethook(L) == on_count)
		lua_sethook(L, NULL, 0, 0);
}

static void note_following(lua_State *L, bool follow)
{
	lua_pushboolean(L, follow);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &follow_key);
}

void lines_follow(struct lines *lines, lua_State *L)
{
	note_following(L, true);
	hook(lines->main);
	hook(L);
}

void lines_unfollow(struct lines *lines, lua_State *L)
{
	note_following(L, false);
	unhook(lines->main);
	unhook(L);
}

static int nothing(lua_State *L)
{
	return 0;
}

void lines_open(struct lines *lines, lua_State *L)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
	lines->main = lua_tothread(L, -1);
	lua_pop(L, 1);
	note_following(L, false); /* so that its place in the registry is there */

	if (lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE) != LUA_TTABLE) {
		lua_pop(L, 1);
		return;
	}
	if (lua_getfield(L, -1, "coroutine") == LUA_TTABLE) {
		lua_getfield(L, -1, "resume");
		lines->resume = lua_tocfunction(L, -1);
		lua_getfield(L, -2, "wrap");
		lua_pushcfunction(L, nothing);
		if (lua_iscfunction(L, -2) && lua_pcall(L, 1, 1, 0) == LUA_OK)
			lines->wrapped = lua_tocfunction(L, -1);
		lua_pop(L, 2);
	}
	lua_pop(L, 2);
}

void lines_close(struct lines *lines)
{
	recorder_unmap(lines->names, lines->names_room);
	recorder_unmap(lines->files, lines->file_room * sizeof(*lines->files));
	lines->names = NULL;
	lines->files = NULL;
	lines->names_used = lines->names_room = lines->file_count = lines->file_room = 0;
}

static bool make_room(char **memory, size_t *room, size_t used, size_t wanted, size_t first)
{
	size_t larger = *room ? *room * 2 : first;
	char *grown;

	if (used + wanted <= *room)
		return true;
	grown = recorder_map(larger);
	if (!grown)
		return false;
	if (used)
		memcpy(grown, *memory, used);
	recorder_unmap(*memory, *room);
	*memory = grown;
	*room = larger;
	return true;
}

static uint32_t *find_file(uint32_t *files, uint32_t room, const char *names, const char *name)
{
	uint32_t hash = 2166136261u, i;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	for (i = hash & (room - 1); files[i]; i = (i + 1) & (room - 1))
		if (strcmp(names + files[i] - 1, name) == 0)
			break;
	return &files[i];
}

static bool grow_files(struct lines *lines)
{
	uint32_t room = lines->file_room ? lines->file_room * 2 : 1024;
	uint32_t *files;

	if (lines->file_count * 2 < lines->file_room)
		return true;
	files = recorder_map(room * sizeof(*files));
	if (!files)
		return false;
	for (uint32_t i = 0; i < lines->file_room; i++)
		if (lines->files[i])
			*find_file(files, room, lines->names, lines->names + lines->files[i] - 1) = lines->files[i];
	recorder_unmap(lines->files, lines->file_room * sizeof(*files));
	lines->files = files;
	lines->file_room = room;
	return true;
}

/* Number of a name, 0 when there is no memory for it. */
static uint32_t file_number(struct lines *lines, const char *name)
{
	size_t length = strlen(name) + 1;
	uint32_t *place;
	char *copy;

	if (lines->names_used > NAMES_LIMIT || !grow_files(lines) ||
	    !make_room(&lines->names, &lines->names_room, lines->names_used, length, NAMES_ROOM))
		return 0;
	/* A terminal is not to be at the mercy of a chunk's name. */
	copy = memcpy(lines->names + lines->names_used, name, length);
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	place = find_file(lines->files, lines->file_room, lines->names, copy);
	if (!*place) {
		*place = (uint32_t)lines->names_used + 1;
		lines->names_used += length;
		lines->file_count++;
	}
	return *place;
}

const char *lines_file(const struct lines *lines, struct lua_line line)
{
	return line.file ? lines->names + line.file - 1 : "?";
}

/* The thread that the innermost function of `L` has resumed, NULL when it is none of that kind. */
static lua_State *resumed_by(const struct lines *lines, lua_State *L, lua_Debug *ar)
{
	lua_State *other = NULL;
	lua_CFunction function;

	lua_getinfo(L, "f", ar);
	function = lua_tocfunction(L, -1);
	if (function && function == lines->wrapped && lua_getupvalue(L, -1, 1)) {
		other = lua_tothread(L, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	if (function && function == lines->resume && lua_getlocal(L, ar, 1)) {
		other = lua_tothread(L, -1);
		lua_pop(L, 1);
	}
	return other;
}

/* A thread that does not wait in a yield, and has something to do. */
static bool is_active(lua_State *L)
{
	lua_Debug ar;

	return lua_status(L) == LUA_OK && lua_getstack(L, 0, &ar);
}

/* The main thread, the one that it resumed, and so on to the running one. */
static unsigned find_threads(const struct lines *lines, lua_State **threads)
{
	unsigned count = 1;
	lua_Debug ar;

	for (threads[0] = lines->main; count < MAX_COROUTINES; count++) {
		lua_State *L = threads[count - 1], *other;

		if (!lua_getstack(L, 0, &ar) || !lua_getinfo(L, "S", &ar) || *ar.what != 'C')
			break;
		other = resumed_by(lines, L, &ar);
		if (!other || !is_active(other))
			break;
		threads[count] = other;
	}
	return count;
}

unsigned lines_capture(struct lines *lines, struct lua_line *out, unsigned depth)
{
	lua_State *threads[MAX_COROUTINES];
	unsigned count = find_threads(lines, threads), found = 0;
	lua_Debug ar;

	hook(threads[count - 1]);
	while (count-- > 0)
		for (int level = 0; level < MAX_LEVELS && found < depth && lua_getstack(threads[count], level, &ar); level++) {
			lua_getinfo(threads[count], "Sl", &ar);
			if (*ar.what == 'C')
				continue;
			out[found].file = file_number(lines, ar.short_src);
			out[found++].line = ar.currentline > 0 ? ar.currentline : 0;
		}
	return found;
}
