#!/bin/sh
# SPDX-License-Identifier: MIT
# heap_trace_init_tohost(): the program never waits, the trace survives it, and the report is ESP-IDF's.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

trace() { ht -q --outfile=run "$GUESTS/esp-tohost" "$@"; }
report() { run "$HT" report "$@"; }

trace states t.states
is "$status:$(grep -v '^ok' out)" "0:1..13" "states and codes"
report t.states
is "$status:$(sed -n 2p out)" "0:Processed 2 heap events." "what came after resume goes to the same file"

trace sample t.sample
report t.sample
is "$(sed -n '1,2p;$p' out)" "=============== HEAP TRACE REPORT ===============
Processed 14 heap events.
Found 10 leaked bytes in 4 blocks." "the documentation's sample"
is "$(grep '^\[' out | sed 's/[0-9]*\.[0-9]\{9\}/SECONDS/; s/0x[0-9a-f]*/ADDRESS/; s/core [0-9]*/core N/; s/by: $/by:_/')" \
	"[SECONDS] HEAP: Allocated 1 bytes @ ADDRESS from task \"esp-tohost\" on core N by:_
[SECONDS] HEAP: Allocated 2 bytes @ ADDRESS from task \"esp-tohost\" on core N by:_
[SECONDS] HEAP: Allocated 3 bytes @ ADDRESS from task \"esp-tohost\" on core N by:_
[SECONDS] HEAP: Allocated 4 bytes @ ADDRESS from task \"esp-tohost\" on core N by:_" "the events, in order, to the character"
like "$out" '/esp-tohost\.c:18$' "a line of the source for each frame"
is "$(grep -c '^$' out)" 4 "and an empty one after them"
report -p t.sample
is "$(sed '/=====/q' out | grep -c '^\[.*HEAP: Allocated')" 9 "-p: all allocations"
is "$(sed '/=====/q' out | grep -c '^\[[0-9.]*\] HEAP: Freed bytes @ 0x[0-9a-f]* from task "esp-tohost" on core [0-9]* by: $')" 5 "and all frees"
report --no-lines t.sample
is "$(grep -cE 'by: (0x[0-9a-f]+:)+0x[0-9a-f]+$' out)" 4 "without names: addresses on the line itself"
report -v t.sample
like "$out" '^sample at .*/esp-tohost\.c:18$' "-v: functions too"
report -j t.sample
is "$(jq -r '[.streams.heap.alloc, .streams.heap.free, (.events | length), (.events[0] | .id, .size, .in_irq, .ctx_name)] | map(tostring) | join(" ")' out)" \
	"512 513 14 512 1 false esp-tohost" "-j"
is "$(jq -r '[.events[] | (.addr | startswith("0x")), (.callers | length > 2 and all(startswith("0x"))), (.ts | . > 0 and . < 1000)] | all' out)" true \
	"addresses are strings, times seconds"
run "$HT" report --format=json --outfile=j t.sample
is "$status:$(jq '.events | length' j)" 0:14 "the same to a file"

trace clean t.clean
report t.clean
is "$out" "=============== HEAP TRACE REPORT ===============
Processed 6 heap events.
OK - Heap errors was not found." "no leaks, and a realloc that failed is nothing"

trace wrong-free t.wrong
is "$status" 134 "the program died of a wrong free"
report t.wrong
is "$(grep -A 1 '^Possible wrong free operation found$' out | sed 's/^.*HEAP: //; s/ @.*//')" "Possible wrong free operation found
Freed bytes" "and here it is"
like "$out" '^Found 1000 leaked bytes in 1 blocks\.$' "beside its block"

trace many t.many
report t.many
is "$(sed -n '2,3s/^\[.*\] \(.*\) @.* from\(.*\) on.*/\1\2/p; 2p' out)" "Processed 60001 heap events.
HEAP: Allocated 7 bytes task \"worker\"" "many events, a thread with a name, a pause"
trace killed t.killed
is "$status" 137 "the program was killed"
report t.killed
like "$out" '^Found 77 leaked bytes in 2 blocks\.$' "nothing is missing"
head -c 1000 t.many >t.cut
report t.cut
is "$status:$(sed -n 1p out)" "0:=============== HEAP TRACE REPORT ===============" "a file that is cut is reported as far as it goes"
like "$err" '^heaptrace report: 1 records of .t.cut. are broken' "and that is said"

trace closes t.closes
is "$status:$(grep -v '^ok' out)" 0: "a program that closes what it did not open"
report t.closes
like "$out" '^Found 2211 leaked bytes in 101 blocks\.$' "loses nothing"

is "$(($(stat -c %s t.killed) > 100000))" 1 "its file is as large as it was made"
trace exits t.exits
is "$(($(stat -c %s t.exits) > 2000)):$status" 0:0 "that of a program that just exits is no longer than need be"

trace forks t.forks
child=$(sed -n 's/^child 1 //p' out)
none=$(sed -n 's/^child 0 //p' out)
report t.forks
like "$out" '^Found 400 leaked bytes in 2 blocks\.$' "the parent's trace is the parent's"
report "t.forks.$child"
like "$out" '^Found 200 leaked bytes in 1 blocks\.$' "a child's its own"
is "$(ls "t.forks.$none" 2>/dev/null)" "" "none for a child without events"

trace full t.full
is "$status:$(grep -v '^ok' out)" "0:1..2" "a file that may not grow"
report t.full
is "$(sed -n 's/^NB: \([0-9]*\) heap events were lost.*/\1/p; s/^Processed \([0-9]*\) .*/\1/p' out | awk '{ n += $1 } END { print n }')" 10000 "what was lost is counted"

ht -q --outfile=run "$GUESTS/esp-tohost" sample
is "$(ls heaptrace.*.trace | wc -l)" 1 "heaptrace.PID.trace, if nothing else is said"
run env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_SAVE="$T/%p.htrace" HEAPTRACE_TOHOST="$T/pid.%p.t" "$GUESTS/esp-tohost" sample
is "$(ls pid.*.t | wc -l)" 1 "or where HEAPTRACE_TOHOST says, without a collector"
report pid.*.t
like "$out" '^Found 10 leaked bytes in 4 blocks\.$' "readable"

mkfifo fifo
serve -q --outfile=run "$GUESTS/esp-tohost" fifo fifo
pass "a FIFO that nobody reads stops nobody"
"$HT" report fifo >fifo.report 2>fifo.err &
reader=$!
reap_later "$reader"
reads() { readlink "/proc/$reader/fd/"* | grep -q 'fifo$'; }
wait_until 60 reads
echo >&9
exec 9>&-
wait "$pid"
is $? 0 "the program ends"
: 3<>fifo # the reader is let go, should it have come too late
wait "$reader"
is "$?:$(cat fifo.err)" 0: "its reader ends when the trace is stopped"
lost=$(sed -n 's/^NB: \([0-9]*\) heap events were lost.*/\1/p' fifo.report)
is "$((lost + $(sed -n 's/^Processed \([0-9]*\) .*/\1/p' fifo.report)))" 40001 "what the FIFO could not take is counted"

echo nothing >no.trace
report no.trace
is "$status" 125 "what is no trace is refused"
report -p "$T/no.trace"
like "$err" '^heaptrace report: only a trace of heap_trace_init_tohost() has events' "and so are its events"
is "$(find . -name '*heaptrace-new*')" "" "nothing half-written is left"
done_testing
