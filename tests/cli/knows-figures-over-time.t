#!/bin/sh
# SPDX-License-Identifier: MIT
# The timeline: sampled from outside while the program runs, with the start, the end, and the plateaus in between; the
# same in a dump, in a snapshot and in the report at the end.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# has_plateau BYTES: a sample (not the last point, which is the dump's own) saw this much live
has_plateau() { "$HT" dump --format=json "$program" >now 2>/dev/null && jq -e --argjson bytes "$1" '[.processes[0].timeline[1:-1][].live_bytes] | index($bytes)' now; }
# sound FILE: what holds for every timeline
sound()
{
	jq '[.processes[] | . as $p | .timeline | (.[0].ns == $p.started_ns and .[0].allocations == 0 and .[0].live_bytes == 0),
		([.[].ns] == ([.[].ns] | unique)), ([.[].allocations] == ([.[].allocations] | sort)),
		(map(.live_bytes <= $p.totals.peak_bytes and .live_blocks <= .allocations) | all),
		(.[-1].ns == $p.started_ns + $p.duration_ns and .[-1].live_bytes == $p.totals.live_bytes)] | all' "$1"
}

serve --format=json --outfile=end.json --save=run.htrace "$GUESTS/grows"
wait_until 60 has_plateau 105000
ok $? "a sample of what is live"
echo >&9
wait_until 60 has_plateau 105300
ok $? "after it has grown another one"
is "$(sound now)" true "a dump's timeline is sound"
is "$(json '[.processes[0].timeline[1:-1][] | .rss | type] | unique | tostring' now)" '["number"]' "samples know the resident memory"
is "$(find . -name '*.htrace*' -o -name 'end.json*')" "" "nothing is written while it runs"
exec 9>&-
wait $pid
is "$(sound end.json)" true "the report's timeline is sound"
is "$(json '[.processes[0].timeline[1:-1][].live_bytes] | index(105300) != null' end.json)" true "it has what was sampled"
run "$HT" export --format=json run.htrace
cp out saved.json
is "$(json '.processes[0].timeline | tostring' saved.json)" "$(json '.processes[0].timeline | tostring' end.json)" "the snapshot holds the same"

# Children have timelines of their own; a process of no length has a point at least.
ht_json sh -c "'$GUESTS/leak' 3 30 & '$GUESTS/leak' 4 40; wait"
is "$(sound json)" true "each process has its own"

# The library alone has nobody to sample it.
mkdir alone && env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_SAVE="$T/alone/%p.htrace" "$GUESTS/leak" 3 30 >/dev/null 2>&1
ht export --format=json alone/*.htrace
is "$(json '.processes[0].timeline | [length, .[0].live_bytes, .[-1].live_bytes] | tostring' out)" "[2,0,90]" "stand-alone: the start and the end"
is "$(sound out)" true "which are sound too"
ht report --window=0..1s alone/*.htrace
is "$status" 125 "and there is no window of it"
like "$err" 'written by the library alone.*heaptrace --interval=1s' "which is said, with what to do"
done_testing
