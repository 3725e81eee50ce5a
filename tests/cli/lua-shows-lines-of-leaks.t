#!/bin/sh
# SPDX-License-Identifier: MIT
# The Lua module: what a program keeps is listed with its file and line, what was collected is not, with heaptrace and
# without it. No function returns anything.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/lua.sh"

cat >leaky.lua <<'EOF'
local heaptrace = require "heaptrace"
print("values", select("#", heaptrace.init(200)))
collectgarbage()
print("values", select("#", heaptrace.start(heaptrace.TRACE_LEAKS)))
print("values", select("#", heaptrace.dump()))
kept = {}
for i = 1, 3 do
	kept[i] = ("text"):rep(20 + i)
	local dropped = { i }
end

local function inner()
	local a = 1

	kept.table = {
		[a] = 2 }
end
local function outer()
	inner()
	return 1
end
outer()
local line = coroutine.wrap(function()
	coroutine.yield()
	kept.coroutine = ("long"):rep(300)
end)
line()
line()
coroutine.resume(coroutine.create(function()
	kept.resumed = ("long"):rep(400)
end))
kept.grown = {}
for i = 1, 1000 do kept.grown[i] = i end
kept.closure = function() return kept end
collectgarbage()
print("values", select("#", heaptrace.stop()))
print("values", select("#", heaptrace.dump()))
print("values", select("#", heaptrace.resume()))
EOF

# lists PATTERN NAME: a record of the last dump
lists() { like "$last" "^ *$1" "$how: $2"; }

check_run()
{
	how=$1
	shift
	run "$@" lua5.4 leaky.lua
	is "$status" 0 "$how: runs" || diag "$err"
	is "$(grep -c '^values	0$' out)" 6 "$how: no function returns a value"
	is "$(grep -c '^====== Heap Trace: [0-9]* records (200 capacity) ======$' out)" 2 "$how: two dumps"
	last=$(awk '/^====== Heap Trace: /{ text = "" } { text = text $0 "\n" } END { printf "%s", text }' out)
	lists '56 bytes (@ 0x[0-9a-f]*.*caller leaky.lua:6$' "a table, at the line that makes it"
	is "$(printf '%s\n' "$last" | grep -c 'caller leaky.lua:8$')" 3 "$how: three strings, at one line"
	lists '109 bytes .*caller leaky.lua:8$' "each with its size"
	unlike "$last" 'leaky.lua:9$' "$how: what was collected is not listed"
	lists '56 bytes .*caller leaky.lua:15 < leaky.lua:19 < leaky.lua:22$' "a table by its own line, and the lines that called"
	lists '1225 bytes .*caller leaky.lua:25 < leaky.lua:28$' "from inside a coroutine of coroutine.wrap"
	lists '1625 bytes .*caller leaky.lua:30 < leaky.lua:29$' "and of coroutine.resume"
	lists '16384 bytes .*caller (grown after) leaky.lua:3[23]$' "an array that grew, with the line that allocated before"
	lists '[0-9]* bytes .*caller leaky.lua:34$' "a closure"
	like "$last" '^Mode: Heap Trace Leaks$' "$how: the mode"
	sum=$(printf '%s\n' "$last" | awk '/ bytes \(@ /{ sum += $1; count++ } END { print sum, count }')
	is "$(printf '%s\n' "$last" | sed -n "s/^\([0-9]*\) bytes 'leaked' in trace (\([0-9]*\) allocations)$/\1 \2/p")" "$sum" "$how: the sum of what is listed"
}
check_run "alone"
check_run "under heaptrace" "$HT" -q --outfile=report.txt

cat >all.lua <<'EOF'
local heaptrace = require "heaptrace"
heaptrace.init(5000)
heaptrace.start(heaptrace.TRACE_ALL)
do local gone = ("x"):rep(777) end
kept = ("x"):rep(555)
collectgarbage()
heaptrace.stop()
heaptrace.dump("all.txt")
EOF
run lua5.4 all.lua
is "$status" 0 "all events of a program"
like "$(cat all.txt)" '^   802 bytes .* caller all.lua:4 freed$' "what was freed is listed, and marked"
like "$(cat all.txt)" '^   580 bytes .* caller all.lua:5$' "beside what lives"
like "$(cat all.txt)" '^580 bytes alive in trace (1/[0-9]* allocations)$' "which alone is counted as alive" || diag "$(cat all.txt)"
done_testing
