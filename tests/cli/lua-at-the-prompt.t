#!/bin/sh
# SPDX-License-Identifier: MIT
# The Lua module at the interpreter's prompt: a typical session as NodeMCU's documentation has it, typed on a terminal.
. "${0%/*}/../lib/tap.sh"
. "${0%/*}/../lib/lua.sh"

cat >session <<'EOF'
heaptrace.init(200) -- your needed buffer size will depend on your use case
collectgarbage() -- start with as clean a slate as possible
heaptrace.start(heaptrace.TRACE_LEAKS) -- start in leak tracing mode
heaptrace.dump() -- dump the current state of allocations
leak = {} for i = 1, 3 do leak[i] = ("leaked"):rep(20 + i) end
gone = ("gone"):rep(100) gone = nil
collectgarbage() -- free things that can be freed, to avoid false positives
heaptrace.stop() -- optional, but provides higher quality output next
heaptrace.dump() -- dump the current state of allocations, hopefully showing the leaked entries and where they got allocated from
heaptrace.resume() -- optionally resume the tracing, if stopped previously
heaptrace.start(7)
print("values", select("#", heaptrace.stop()))
EOF
for how in "" "$HT -q --outfile=report.txt"; do
	# Words on purpose.
	# shellcheck disable=SC2086
	typed session $how lua5.4 -l heaptrace
	under=${how:+under heaptrace: }
	is "$status" 0 "${under}the session comes to its end" || diag "$err"
	is "$(grep -c '^====== Heap Trace: [0-9]* records (200 capacity) ======$' out)" 2 "${under}two dumps"
	last=$(awk '/^====== Heap Trace: /{ text = "" } { text = text $0 "\n" } END { printf "%s", text }' out)
	like "$last" '^ *56 bytes (@ 0x[0-9a-f]*[^)]*) allocated CPU [0-9]* ccount 0x[0-9a-f]\{8\} caller stdin:1$' "${under}the table that leaks"
	is "$(printf '%s\n' "$last" | grep -c '^   1[56][0-9] bytes .* caller stdin:1$')" 3 "${under}and what is in it"
	unlike "$last" '^   425 bytes' "${under}not what was collected"
	is "$(grep -c '^nil' out)" 0 "${under}the prompt shows no values of theirs"
	like "$out" '^stdin:1: invalid trace mode$' "${under}a mistake is answered with a message, and the prompt"
	like "$out" '^values	0$' "${under}which goes on"
done
done_testing
