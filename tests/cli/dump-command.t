#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace dump PID: on its own stdout, without a signal, in every format; errors for what can not be dumped.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

serve --color=never --outfile="$T/report" "$GUESTS/serve"

ht dump --color=never "$program"
is "$status" 0 "status"
like "$out" "dump allocation status for /proc/$program/maps (serve) sorted by size" "the report is on stdout"
like "$out" 'count/peak: 10/10.*size/peak: 1\.100 KB' "with the figures"
like "$out" 'heaptrace dump' "and the header says why"
unlike "$out" finalized "not as the last one"
ht dump --format=json "$program"
is "$(jq -r '.processes[] | "\(.pid) \(.how_it_ended) \(.totals.live_bytes)"' out)" "$program running 1100" "json"
ht dump --flame-graph "$program"
like "$out" '^serve;.*main;leak 1100$' "collapsed"
ht dump --sort=count --color=never "$program"
like "$out" 'sorted by count' "--sort"
echo >&9
wait_until 20 file_has bg.out leaked
ht dump --format=json "$program"
is "$(jq '.processes[0].totals.live_bytes' out)" 1150 "later: more"
ht dump --format=json --outfile=dumped.json "$program"
is "$(json '.processes[0].totals.live_bytes' dumped.json)" 1150 "--outfile"
is "$(cat report 2>/dev/null)" "" "the run's own output is untouched"
run env TMPDIR=/nonexistent "$HT" dump --format=json "$program"
is "$status" 0 "from a shell with another TMPDIR"

ht dump $$
is "$status" 125 "not traced: 125"
like "$err" "$$.*not traced" "says so"
ht dump 999999999
is "$status" 125 "gone: 125"
like "$err" '999999999' "names it"
for bad in abc -1 0 '' 12x; do
	ht dump -- "$bad"
	is "$status" 125 "dump '$bad': 125"
done
ht dump
is "$status" 125 "no pid: 125"
if nobody_works; then
	as_nobody "$HT" dump "$program"
	is "$status" 125 "not ours: 125"
	like "$err" "$program" "says so"
else
	skip "not ours" "needs root, setpriv and a build directory that others may enter"
fi
if nobody_works; then
	# Somebody else's run is going on in the place where all look for theirs.
	as_nobody sh -c "sleep 60 & TMPDIR='$TMPDIR' '$HT' dump \$!; kill \$!"
	like "$err" 'is not traced' "others' runs that may not be asked are no reason"
else
	skip "others' runs" "needs root, setpriv and a build directory that others may enter"
fi
exec 9>&-
wait $pid
is "$?" 0 "the program ended by itself"
like "$(cat report)" 'size  : 1\.150 KB' "and left its report"
ht dump "$program"
is "$status" 125 "after its end: 125"
done_testing
