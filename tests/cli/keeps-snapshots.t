#!/bin/sh
# SPDX-License-Identifier: MIT
# --save and report: a snapshot gives the same figures as the run did, in every format, also after the program is gone.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cp "$GUESTS/sorting" program
ht --format=json --outfile=live.json --save=run.htrace ./program
is "$status" 0 "status"
[ -s run.htrace ]
ok $? "the snapshot is there"
run "$HT" report --format=json run.htrace
is "$status" 0 "report: status"
mv out again.json
strip='del(.processes[].duration_ns) | .processes[].backtraces |= sort_by(.total_bytes)'
jq -S "$strip" live.json >a && jq -S "$strip" again.json >b
same a b "report --format=json says what the run said"
run "$HT" report --color=never run.htrace
like "$out" '=== backtrace #1 === \[count/peak: 2/2\] \[size/peak: 8\.000 KB' "text goes to stdout"
is "$err" "" "nothing on stderr"
run "$HT" report --flame-graph=total run.htrace
like "$out" ';churning;use 90000$' "collapsed"
run "$HT" report --sort=count --top=1 --color=never run.htrace
is "$(printf '%s\n' "$out" | grep -c '=== backtrace')" 1 "--sort and --top"
like "$out" 'sorted by count' "by count"
run "$HT" report --outfile=to.txt run.htrace
is "$out" "" "--outfile"
like "$(cat to.txt)" '=== backtrace' "is written"
rm program
run "$HT" report --format=json run.htrace
is "$(jq '.processes[0].totals.live_bytes' out)" 9010 "the figures need no program"

run "$HT" report missing.htrace
is "$status" 125 "missing: 125"
like "$err" 'missing\.htrace.*No such file' "and why"
size=$(wc -c <run.htrace)
for bytes in 0 1 100 4096 $((size / 2)) $((size - 1)); do
	head -c "$bytes" run.htrace >cut.htrace
	run "$HT" report cut.htrace
	is "$status" 125 "cut to $bytes of $size bytes: 125"
	like "$err" 'cut\.htrace' "and a message"
done
{ head -c 5000 run.htrace; printf x; tail -c +5002 run.htrace; } >flipped.htrace
cmp -s run.htrace flipped.htrace && { head -c 5000 run.htrace; printf y; tail -c +5002 run.htrace; } >flipped.htrace
run "$HT" report flipped.htrace
is "$status" 125 "a byte changed: 125"
like "$err" 'corrupt\|checksum\|damaged' "corrupt"
run "$HT" report /bin/ls
is "$status" 125 "foreign: 125"
like "$err" 'not a' "not a snapshot"
{ head -c 8 run.htrace; printf '\377\0\0\0'; tail -c +13 run.htrace; } >newer.htrace
run "$HT" report newer.htrace
is "$status" 125 "newer: 125"
like "$err" 'newer\|version' "says so"
run "$HT" report
is "$status" 125 "no file: 125"
run "$HT" report "$T"
is "$status" 125 "a directory: 125"
run "$HT" report --exact run.htrace
is "$status" 125 "an option of another command: 125"
like "$err" 'exact' "named"
done_testing
