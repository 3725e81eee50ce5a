#!/bin/sh
# SPDX-License-Identifier: MIT
# The Lua module: states, codes and messages are those of NodeMCU's module, with heaptrace and without it.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/lua.sh"

cat >states.lua <<'EOF'
local heaptrace = require "heaptrace"
local function try(name, ...) print(name .. ":", select(2, pcall(heaptrace[name], ...))) end
print(heaptrace.TRACE_ALL, heaptrace.TRACE_LEAKS)
heaptrace.dump("before.txt")
try("start", 1) -- before init
try("stop")
try("resume")
try("init", 0)
try("init", -5)
try("init", 1 << 40)
try("init", 3.7)
try("init", {})
try("init", 200, 0)
try("init")
try("init", "200")
try("start")
try("start", 7)
try("start", -1)
try("stop") -- never started
try("resume") -- works, in the mode of all events
print(heaptrace.summary().mode)
try("resume") -- running
try("pause")
try("pause")
try("resume") -- from the pause
try("stop")
try("stop")
try("start", heaptrace.TRACE_LEAKS)
kept = {}
try("start", heaptrace.TRACE_LEAKS) -- begins anew
print(heaptrace.count() < 3)
try("init", 100) -- stops
try("stop")
print(heaptrace.summary().capacity, heaptrace.count())
try("dump", "/nonexistent/file")
try("dump", {})
local closed = io.tmpfile()
closed:close()
try("dump", closed)
EOF
cat >expected <<'EOF'
0	1
start:	failed to start heap tracing; code 259
stop:	failed to stop heap tracing; code 259
resume:	failed to resume heap tracing; code 259
init:	invalid trace buffer size
init:	invalid trace buffer size
init:	invalid trace buffer size
init:	bad argument #1 to '?' (number has no integer representation)
init:	bad argument #1 to '?' (number expected, got table)
init:	bad argument #2 to '?' (1 to 64 lines)
init:	bad argument #1 to '?' (number expected, got no value)
init:
start:	bad argument #1 to '?' (number expected, got no value)
start:	invalid trace mode
start:	invalid trace mode
stop:	failed to stop heap tracing; code 259
resume:
0
resume:	failed to resume heap tracing; code 259
pause:
pause:	failed to pause heap tracing; code 259
resume:
stop:
stop:	failed to stop heap tracing; code 259
start:
start:
true
init:
stop:	failed to stop heap tracing; code 259
100	0
dump:	dump: /nonexistent/file: No such file or directory
dump:	bad argument #1 to '?' (file or path expected)
dump:	bad argument #1 to '?' (closed file)
EOF
for how in "" "$HT -q --outfile=report.txt"; do
	# Words on purpose.
	# shellcheck disable=SC2086
	run $how lua5.4 states.lua
	is "$status" 0 "runs" || diag "$err"
	sed "s/'heaptrace\.[a-z]*'/'?'/" out >said
	same said expected "each step says what it should${how:+, under heaptrace}"
done
like "$(cat before.txt)" '^====== Heap Trace: 0 records (0 capacity) ======$' "a dump before init is empty"

cat >position.lua <<'EOF'
local heaptrace = require "heaptrace"

heaptrace.init(0)
EOF
run lua5.4 position.lua
is "$status" 1 "an error ends a program"
like "$err" 'position.lua:3: invalid trace buffer size$' "with the place of the call"

# Out of memory is an error like any other.
run sh -c 'ulimit -v 200000; exec lua5.4 -e "local h = require [[heaptrace]] print(pcall(h.init, 10000000)) print(pcall(h.start, 1))"'
is "$out" "false	out of memory
false	failed to start heap tracing; code 259" "too large a buffer: out of memory, and no buffer"

cat >more.lua <<'EOF'
local heaptrace = require "heaptrace"
heaptrace.init(4)
heaptrace.start(heaptrace.TRACE_LEAKS)
for i = 1, 6 do _G["t" .. i] = ("x"):rep(100 * i) end
heaptrace.stop()
local summary = heaptrace.summary()
print(summary.has_overflowed, summary.count, summary.capacity, summary.high_water_mark, summary.evicted > 0)
for number, block in heaptrace.records() do print(number > 0, block.size, block.caller, block.freed, math.type(tonumber(block.address))) end
heaptrace.dump()
heaptrace.init(1000, 1)
heaptrace.start(heaptrace.TRACE_LEAKS)
old = {}
local mark = heaptrace.mark()
new = ("y"):rep(200)
heaptrace.stop()
heaptrace.dump_since(mark)
old, new = nil
collectgarbage()
print("while stopped", heaptrace.count())
heaptrace.resume()
print("resumed", heaptrace.count())
heaptrace.stop()
local file <close> = io.open("file.txt", "w")
file:write("before\n")
heaptrace.dump(file)
file:write("after\n")
heaptrace.gc_dump("collected.txt")
EOF
for how in "" "$HT -q --outfile=report.txt"; do
	# Words on purpose.
	# shellcheck disable=SC2086
	run $how lua5.4 more.lua
	is "$status" 0 "marks, summaries and records" || diag "$err"
	like "$out" '^true	4	4	4	true$' "a summary of a buffer that has overflowed"
	like "$out" '^true	625	more.lua:4	false	integer$' "records one by one"
	is "$(grep -c '^true	[0-9]*	more.lua:4' out)" 4 "as many as there are"
	like "$out" '^(NB: Internal Buffer has overflowed, so trace data is incomplete.)$' "a dump says that records are missing"
	like "$out" '^(NB: [0-9]* records evicted; raise num_records to at least [1-9][0-9]*.)$' "and how many would have done"
	is "$(sed -n '/(1000 capacity) ======/,/Summary/p' out | sed -n 's/.*caller //p')" "more.lua:14" "after a mark: what is newer"
	like "$out" '^while stopped	2$' "what is freed while tracing is stopped stays"
	like "$out" '^resumed	0$' "until it is resumed"
	is "$(sed -n '1p;$p' file.txt)" "before
after" "a dump into an open file keeps its order"
	at_least "$(wc -l <collected.txt)" 7 "a dump with a collection before it"
done
HEAPTRACE_DUMP_FORMAT=v4.4 run env HEAPTRACE_DUMP_FORMAT=v4.4 lua5.4 -e 'local h = require "heaptrace" h.init(9) h.start(1) x = {} h.stop() h.dump()'
like "$out" '^56 bytes (@ 0x[0-9a-f]*) allocated CPU [0-9]* ccount 0x[0-9a-f]* caller (command line):1$' "the layout of version 4.4"
like "$out" '^total allocations [0-9]* total frees [0-9]*$' "with its totals"
done_testing
