#!/bin/sh
# SPDX-License-Identifier: MIT
# LD_PRELOAD=libheaptrace.so without the launcher: options from HEAPTRACE_*, a snapshot that is valid at every moment.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

lib=$BUILD/libheaptrace.so
run env LD_PRELOAD="$lib" "$GUESTS/leak" 10 110 3
is "$status" 3 "the program's status"
snapshot=$(ls heaptrace.leak.*.htrace 2>/dev/null | head -1)
[ -s "$snapshot" ]
ok $? "heaptrace.NAME.PID.htrace in the current directory" || diag "$(ls -la; cat err)"
run "$HT" report --format=json "$snapshot"
is "$status" 0 "it can be read"
mv out json
is "$(totals)" "10 0 1100 10 1100" "exact"
like "$(json '.processes[0].backtraces[0].frames[].function')" '^leak_a$' "with names"
run "$HT" report --color=never "$snapshot"
like "$out" 'size/peak: 1\.100 KB' "as text"

rm -f ./*.htrace
run env LD_PRELOAD="$lib" "$GUESTS/ends-sigkill"
is "$status" 137 "SIGKILL"
run "$HT" report --format=json ./heaptrace.ends-sigkill.*.htrace
is "$(jq '.processes[0].totals.live_bytes' out)" 1100 "the snapshot is whole"

rm -f ./*.htrace
run env LD_PRELOAD="$lib" HEAPTRACE_SAVE="$T/my.%n.htrace" HEAPTRACE_DEPTH=2 "$GUESTS/leak"
[ -s my.leak.htrace ]
ok $? "HEAPTRACE_SAVE"
run "$HT" report --format=json my.leak.htrace
is "$(jq '[.processes[0].backtraces[].frames | length] | max' out)" 2 "HEAPTRACE_DEPTH"

serve_alone HEAPTRACE_SAVE="$T/running.htrace" "$GUESTS/serve"
run "$HT" report --format=json running.htrace
is "$(jq '.processes[0].totals.live_bytes' out)" 1100 "valid while the program runs"
ht dump --format=json "$pid"
is "$(jq '.processes[0].totals.live_bytes' out)" 1100 "heaptrace dump finds it"
exec 9>&-
wait $pid
run env LD_PRELOAD="$lib" HEAPTRACE_SAVE=/nonexistent/x.htrace "$GUESTS/leak" 1 1 5
is "$status" 5 "nowhere to write: the program runs on"
done_testing
