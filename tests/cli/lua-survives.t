#!/bin/sh
# SPDX-License-Identifier: MIT
# The Lua module: whatever a program does to its stack, its coroutines and its end while it is traced, it goes on as
# without us, and nothing grows.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/lua.sh"

cat >hard.lua <<'EOF'
local heaptrace
if arg[1] == "traced" then
	heaptrace = require "heaptrace"
	heaptrace.init(20000)
	heaptrace.start(heaptrace.TRACE_LEAKS)
end
local function deep(n)
	local t = { n }
	if n == 0 then return 0 end
	return 1 + deep(n - 1)
end
print("deep", deep(15000))
print("in a coroutine", coroutine.resume(coroutine.create(deep), 15000))
print("long", #("x"):rep(10000000))
local threads = {}
for i = 1, 1000 do
	threads[i] = coroutine.create(function(a)
		local t = { a }
		while true do t[#t + 1] = { coroutine.yield(#t) } end
	end)
end
local sum = 0
for round = 1, 5 do
	for i = 1, 1000 do sum = sum + select(2, coroutine.resume(threads[i], round)) end
end
print("coroutines", sum)
local function over() return 1 + over() end
print("overflow", pcall(over))
print("overflow in a coroutine", coroutine.resume(coroutine.create(over)))
local function nest(n)
	if n == 0 then return { n } end
	return coroutine.wrap(function()
		local t = {}
		t[1] = nest(n - 1)
		return t
	end)()
end
kept = nest(100)
print("error", pcall(coroutine.wrap(function() error("oops") end)))
print("error in a handler", xpcall(error, function(e) error(e) end))
print("too long", pcall(string.rep, "xxxxxxxxx", 1 << 60))
for i = 1, 1000 do
	setmetatable({}, { __gc = function() for k = 1, 10 do local t = { k } end end })
end
collectgarbage()
collectgarbage("generational")
for i = 1, 100000 do local t = { i, {} } end
collectgarbage("incremental")
for i = 1, 1000 do load("return function() return {" .. i .. "} end")()() end
local words = {}
for i = 1, 2000 do words[i] = tostring((i * 7919) % 2003) end
table.sort(words, function(a, b) local t = { a, b } return t[1] < t[2] end)
print("sorted", words[1], words[2000], (("b"):gsub("b", function() return {} and "c" end)))
threads[1] = nil
print("closed", coroutine.close(threads[2]), coroutine.status(threads[2]))
do
	local closing <close> = setmetatable({}, { __close = function() print("close", #{ {} }) end })
end
print("hook", debug.gethook())
debug.sethook(function() local t = {} end, "l")
local x = { 1 }
x = { 2 }
debug.sethook()
if heaptrace then
	heaptrace.dump("dump.txt")
end
EOF
run lua5.4 hard.lua
sed '/^hook/d; s/0x[0-9a-f]*/ADDRESS/g' out >plain
is "$status" 0 "untraced"
for how in "" "$HT -q --outfile=report.txt"; do
	# Words on purpose.
	# shellcheck disable=SC2086
	run $how lua5.4 hard.lua traced
	is "$status:$err" 0: "${how:+under heaptrace: }runs to its end"
	sed '/^hook/d; s/0x[0-9a-f]*/ADDRESS/g' out >traced
	same traced plain "${how:+under heaptrace: }says what it says untraced"
	like "$(cat dump.txt)" '^records: 20000 (20000 capacity, 20000 high water mark)$' "${how:+under heaptrace: }and was traced"
done

cat >memory.lua <<'EOF'
local heaptrace = require "heaptrace"
heaptrace.init(100000)
heaptrace.start(heaptrace.TRACE_LEAKS)
local t = {}
print(pcall(function() while true do t[#t + 1] = ("x"):rep(100000 + #t) end end))
t = nil
collectgarbage()
print(pcall(function() local u = {} for i = 1, 1e9 do u[i] = {} end end))
heaptrace.stop()
print(heaptrace.count() > 0)
EOF
for how in "" "$HT -q --outfile=report.txt"; do
	# shellcheck disable=SC2086
	run $how sh -c 'ulimit -v 400000; exec lua5.4 memory.lua'
	is "$status:$out" "0:false	not enough memory
false	not enough memory
true" "${how:+under heaptrace: }goes on when there is no more memory" || diag "$err"
done

cat >growth.lua <<'EOF'
local heaptrace = require "heaptrace"
local function size()
	for line in io.lines("/proc/self/smaps_rollup") do -- counted in the page tables: that of status is an estimate
		local kb = line:match("Private_Dirty:%s+(%d+)")
		if kb then return tonumber(kb) end
	end
end
local function mappings()
	local count = 0
	for _ in io.lines("/proc/self/maps") do count = count + 1 end
	return count
end
local size_then, mappings_then
for i = 1, 200 do
	heaptrace.init(200)
	heaptrace.start(i % 2)
	local t = {}
	for j = 1, 300 do t[j] = { j } end
	t = nil
	if i % 3 == 0 then heaptrace.stop() end
	collectgarbage()
	if i == 100 then size_then, mappings_then = size(), mappings() end
end
print("mappings", mappings() - mappings_then)
local growth = size() - size_then
print("memory", growth < 400 and "same" or growth)
EOF
for how in "" "$HT -q --outfile=report.txt"; do
	# shellcheck disable=SC2086
	run $how lua5.4 growth.lua
	like "$out" '^mappings	-\{0,1\}[0-2]$' "${how:+under heaptrace: }init again and again maps nothing more"
	like "$out" '^memory	same$' "${how:+under heaptrace: }and takes no more memory"
done

# A program's hook stays its own; ours goes when tracing stops, also in coroutines, where it goes by and by.
cat >hooks.lua <<'EOF'
local heaptrace = require "heaptrace"
heaptrace.init(100)
local calls = 0
local function own() calls = calls + 1 end
debug.sethook(own, "l")
heaptrace.start(heaptrace.TRACE_LEAKS)
kept = {}
print(debug.gethook() == own, calls > 0)
heaptrace.stop()
print(debug.gethook() == own)
debug.sethook()
heaptrace.start(heaptrace.TRACE_LEAKS)
local co = coroutine.create(function()
	for i = 1, 10 do coroutine.yield({}) end
	for i = 1, 3000000 do end
	coroutine.yield()
end)
for i = 1, 10 do coroutine.resume(co) end
print(debug.gethook(), debug.gethook(co))
heaptrace.stop()
print(debug.gethook())
coroutine.resume(co)
print(debug.gethook(co))
EOF
run lua5.4 hooks.lua
is "$out" "true	true
true
external hook	external hook		1048576
nil
nil" "hooks: a program's own is left alone, and none of ours is left"

# Ends. Finalizers run when tracing, the module, or both are gone already.
cat >ends.lua <<'EOF'
local early = setmetatable({}, { __gc = function()
	print("early", select(2, pcall(require("heaptrace").stop)))
	for i = 1, 100 do local t = { i } end
end })
local heaptrace = require "heaptrace"
setmetatable({}, { __gc = function() print("late", pcall(heaptrace.count)) end })
heaptrace.init(100)
heaptrace.start(heaptrace.TRACE_LEAKS)
kept = {}
for i = 1, 1000 do kept[i] = {} end
if arg[1] == "error" then error("an error") end
if arg[1] == "exit" then os.exit(3, true) end
if arg[1] == "quick" then os.exit(4, false) end
EOF
run lua5.4 ends.lua
is "$status" 0 "a state is closed while it is traced"
is "$out" "late	true	100
early	the Lua state is being closed" "finalizers before and after ours"
run lua5.4 ends.lua error
is "$status" 1 "an error at the top"
run lua5.4 ends.lua exit
is "$status" 3 "os.exit that closes the state"
run lua5.4 ends.lua quick
is "$status" 4 "os.exit that does not"

# The module is dropped and collected while it traces.
run lua5.4 -e 'require("heaptrace").init(10) require("heaptrace").start(0) package.loaded.heaptrace = nil for i = 1, 10 do collectgarbage() end
	local h = require "heaptrace" h.init(10) h.start(1) h.stop() print(h.summary().capacity)'
is "$status:$out" 0:10 "the module is collected and loaded again"
run valgrind --error-exitcode=9 -q lua5.4 -e 'local h = require "heaptrace" h.init(50) h.start(1) local t = {} for i = 1, 1000 do t[i] = {} t[i - 50] = nil end
	coroutine.wrap(function() for i = 1, 100 do t[i] = tostring(i) end end)() h.stop() h.dump("dump.txt") h.resume()'
if command -v valgrind >/dev/null; then
	is "$status" 0 "no wrong access" || diag "$err"
else
	skip "no wrong access" "valgrind is missing"
fi
done_testing
