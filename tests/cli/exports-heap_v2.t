#!/bin/sh
# SPDX-License-Identifier: MIT
# heap_v2: gperftools' own google-pprof reads it, finds the names by itself and comes to our figures.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

ht --outfile=/dev/null --save=run.htrace "$GUESTS/sorting"
run "$HT" export --format=heap_v2 --outfile=run.heap run.htrace
is "$status:$err" "0:" "export"
is "$(head -n 1 run.heap)" "heap profile: 103: 9010 [3104: 149010] @ heap_v2/1" "the head: live, total, not sampled"
is "$(sed -n '2,/^$/p' run.heap | grep -vc '^[0-9]*: [0-9]* \[[0-9]*: [0-9]*\] @\( 0x[0-9a-f]*\)*$')" 1 \
	"a line for each backtrace, then an empty one"
backtraces=$("$HT" report --format=json run.htrace | jq '.processes[].backtraces | length')
is "$(grep -c ' @ ' run.heap)" $((backtraces + 1)) "all backtraces"
is "$(sed -n '2,/^$/p' run.heap | tr -d '][:' | awk '{ a += $1; b += $2; c += $3; d += $4 } END { print a, b, c, d }')" \
	"103 9010 3104 149010" "they add up to the head"
like "$(sed -n '/^MAPPED_LIBRARIES:$/,$p' run.heap)" "^[0-9a-f]*-[0-9a-f]* r-xp [0-9a-f]* 00:00 0 $(realpath "$GUESTS/sorting")\$" "modules as in maps"
is "$(sed -n 's/.*: 8000\] @ //p' run.heap)" \
	"$("$HT" report --format=json run.htrace | python3 -c 'import json, sys
for backtrace in json.load(sys.stdin)["processes"][0]["backtraces"]:
    if backtrace["live_bytes"] == 8000:
        addresses = [int(frame["address"], 16) for frame in backtrace["frames"][1:] if not frame["inlined"]]
        print(*(hex(a) for a in [addresses[0] - 1] + addresses[1:]))')" "return addresses; the leaf, which readers take as it is, lies in the call"
run "$HT" export --format=heap_v2 --keep-allocator run.htrace
is "$(awk '/ @ / && !/^heap/ { print $6 }' out | sort -u | wc -l)" 1 "--keep-allocator: malloc is the leaf of all"

if command -v google-pprof >/dev/null; then
	run google-pprof --text --show_bytes --inuse_space "$GUESTS/sorting" run.heap
	is "$status" 0 "google-pprof reads it"
	like "$err$out" 'Total: 9010 B' "the same live bytes"
	like "$out" '^ *9010 *100.0% .* leak$' "named by itself: the leaf"
	like "$out" '^ *0 .* 8000 *88.8% few_large$' "named by itself: a caller"
	run google-pprof --text --show_bytes --alloc_space "$GUESTS/sorting" run.heap
	like "$err$out" 'Total: 149010 B' "the same total bytes"
	run google-pprof --text --alloc_objects "$GUESTS/sorting" run.heap
	like "$out" '3000 *96.6% churning$' "the same total blocks"
	run google-pprof --collapsed --show_bytes "$GUESTS/sorting" run.heap
	like "$out" 'main[^;]*;few_large[^;]*;leak[^;]* 8000$' "the same stacks"
else
	skip "google-pprof reads it" "google-pprof (google-perftools) is missing"
fi

# Two programs, whose addresses may lie on each other: each module is mapped once and nothing overlaps.
ht --format=heap_v2 sh -c "setarch -R '$GUESTS/leak' 3 30; '$GUESTS/leak' 2 20; setarch -R '$GUESTS/sorting'; exit 4"
is "$status" 4 "on a run with children: the program's status"
cp out tree.heap
is "$(sed -n 's/^\([0-9a-f]*\)-\([0-9a-f]*\) r-xp.*/\1 \2/p' tree.heap | sort | awk 'length($1) == length(last) && $1 < last { bad++ } { last = $2 } END { print (NR > 3), bad + 0 }')" "1 0" "no mappings overlap"
is "$(sed -n 's/.* 00:00 0 //p' tree.heap | grep -c '/leak$')" 1 "a program that ran twice is mapped once"
echo few_large >rules
run "$HT" export --format=heap_v2 --ignore=rules run.htrace
is "$(head -n 1 out)" "heap profile: 101: 1010 [3102: 141010] @ heap_v2/1" "--ignore: the head"
is "$(grep -c ': 8000' out)" 0 "--ignore: the backtrace"
ht --format=heap_v2 true
like "$out" '^heap profile: 0: 0 \[' "nothing live is a profile too"
is "$(head -n 1 tree.heap | sed 's/heap profile: //; s/ @.*//')" "$(sed -n 's/^ *\([0-9]*\): \([0-9]*\) \[\([0-9]*\): \([0-9]*\)\] @ 0x.*/\1 \2 \3 \4/p' tree.heap |
	awk '{ a += $1; b += $2; c += $3; d += $4 } END { printf "%d: %d [%d: %d]", a, b, c, d }')" "the head of several processes is their sum"
done_testing
