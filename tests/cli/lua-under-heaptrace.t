#!/bin/sh
# SPDX-License-Identifier: MIT
# The Lua module under heaptrace: blocks of the whole process are traced, those of Lua's with their lines, those of modules in
# C with the functions that asked for them, and the allocators' own frames are left out.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/lua.sh"

flags=
for directory in /usr/include/lua5.4 /usr/local/include/lua5.4; do [ -e "$directory/lua.h" ] && flags="-I$directory"; done
[ -n "$flags" ] || skip_all "lua.h is missing"
cat >demo.c <<'EOF'
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

static void *kept[2];

static int demo_block(lua_State *L)
{
	kept[0] = malloc(777);
	return 0;
}

static int demo_object(lua_State *L)
{
	lua_newuserdatauv(L, 4321, 0);
	return 1;
}

int luaopen_demo(lua_State *L)
{
	static const luaL_Reg functions[] = {{"block", demo_block}, {"object", demo_object}, {NULL, NULL}};

	luaL_newlib(L, functions);
	return 1;
}
EOF
${CC:-gcc} -g -O1 -fno-builtin -fPIC -shared "$flags" -o demo.so demo.c || bail "a module in C was built"
LUA_CPATH="$LUA_CPATH;$T/?.so"
cat >program.lua <<'EOF'
local heaptrace = require "heaptrace"
local demo = require "demo"
print(heaptrace.backend())
heaptrace.init(500)
collectgarbage()
heaptrace.start(heaptrace.TRACE_LEAKS)
text = ("x"):rep(1000)
demo.block()
object = demo.object()
heaptrace.stop()
heaptrace.dump()
print(heaptrace.count(), heaptrace.summary().bytes)
EOF
ht --format=json --outfile=json lua5.4 program.lua
is "$status" 0 "a program with a module in C" || diag "$err"
like "$out" '^preload$' "the library's session is used"
# record PATTERN: a record, and the names below it
record() { awk -v pattern="$1" '/ bytes \(@ |^=/ { shown = $0 ~ pattern } shown' out; }
is "$(record '^  1025 bytes .* caller program.lua:7$' | wc -l)" 1 "a string of Lua's, with its line and nothing more"
is "$(record '^   777 bytes .* caller 0x[0-9a-f]*:0x' | sed -n 's/^--- 0x[0-9a-f]*: demo_block at //p')" "demo.c:10" "a block of C's, with the function that asked"
is "$(record '^  43[0-9][0-9] bytes .* caller program.lua:9$' | sed -n '2,$s/^--- 0x[0-9a-f]*: //p')" "demo_object at demo.c:16" "an object of Lua's that C made: both"
like "$out" '^records: 3 (500 capacity, [0-9]* high water mark)$' "three records" || diag "$out"
like "$out" '^3	6[0-9]*$' "counted and summed up"
is "$(jq '[.processes[0].backtraces[] | select(any(.frames[]; .function == "demo_block")) | .live_bytes] | add' json)" 777 "heaptrace's own report has them too"

cat >frames.lua <<'EOF'
local heaptrace = require "heaptrace"
heaptrace.init(500, 8, 6)
heaptrace.start(heaptrace.TRACE_LEAKS)
text = ("x"):rep(1000)
heaptrace.stop()
heaptrace.dump("frames.txt")
EOF
ht -q --outfile=report.txt lua5.4 frames.lua
like "$(cat frames.txt)" '^  1025 bytes .* caller frames.lua:4$' "frames of C on request"
is "$(grep -c '^--- 0x' frames.txt)" 6 "as many"
unlike "$(cat frames.txt)" 'heaptrace\.so\|realloc' "but none of the allocators'"

# What another allocator or a cut-off collector takes away: names, not the trace.
run env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_SAVE="$T/alone.htrace" lua5.4 program.lua
like "$out" '^  1025 bytes .* caller program.lua:7$' "with the library alone: lines of Lua"
unlike "$out" '^---' "and no names"
like "$out" '^   777 bytes .* caller 0x[0-9a-f]*:0x' "but addresses"

# Freed, marked, and since a mark.
cat >all.lua <<'EOF'
local heaptrace = require "heaptrace"
heaptrace.init(5000)
heaptrace.start(heaptrace.TRACE_ALL)
do local gone = ("x"):rep(777) end
collectgarbage()
local mark = heaptrace.mark()
kept = ("x"):rep(555)
heaptrace.stop()
heaptrace.dump("all.txt")
heaptrace.dump_since(mark, "since.txt")
EOF
ht -q --outfile=report.txt lua5.4 all.lua
is "$status" 0 "all events" || diag "$err"
like "$(cat all.txt)" '^   802 bytes .* caller all.lua:4 freed$' "a freed block is marked"
like "$(cat all.txt)" '^580 bytes alive in trace (1/[0-9]* allocations)$' "what lives is counted"
is "$(grep -c 'caller' since.txt)" 1 "since a mark: one block"
like "$(cat since.txt)" 'caller all.lua:7$' "the new one"
done_testing
