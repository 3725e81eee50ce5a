// SPDX-License-Identifier: MIT

/*
 * Which line of a Lua program is running, asked from inside the state's allocator. See lines.c for when that is safe.
 */

#ifndef HEAPTRACE_LUA_LINES_H
#define HEAPTRACE_LUA_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "lua.h"
#include "recorder.h"

#define LINES_MAX 64u

/** What is known of one Lua state. Start with zeroes. */
struct lines {
	lua_State *main;
	lua_CFunction resume, wrapped; /* what coroutine.resume and the results of coroutine.wrap run */
	char *names;                   /* each with its NUL */
	size_t names_used, names_room;
	uint32_t *files;               /* hash: offset of a name + 1 */
	uint32_t file_count, file_room;
};

/** Learn what there is to know of a state; from a function that Lua called. */
void lines_open(struct lines *lines, lua_State *L);

/** Give the names back. */
void lines_close(struct lines *lines);

/** Keep exact lines from now on, in the state's main thread and in the running one. */
void lines_follow(struct lines *lines, lua_State *L);

/** No longer. */
void lines_unfollow(struct lines *lines, lua_State *L);

/**
 * The lines that are running, the innermost first. Only while the allocator serves a request for a new block.
 *
 * @return how many there are, at most `depth`
 */
unsigned lines_capture(struct lines *lines, struct lua_line *out, unsigned depth);

/** Name of a line's file, for people. */
const char *lines_file(const struct lines *lines, struct lua_line line);

#endif
