#!/bin/sh
# SPDX-License-Identifier: MIT
# --interval keeps slices, --slices lists them, --window says what grew between two of them; massif draws them. A program
# that stands still between its steps makes all figures exact.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# has_slices BYTES: several slices (not the end) in which this much was live
has_slices()
{
	"$HT" dump --outfile=/dev/null --save=now.htrace "$program" 2>/dev/null && "$HT" report --slices --format=json now.htrace >slices 2>/dev/null &&
		jq -e --argjson bytes "$1" '[.slices[1:-1][] | select(.live_bytes == $bytes)] | length >= 3' slices
}
# when BYTES: the time in ms since the process's start of the first slice with this much
when()
{
	jq --argjson bytes "$1" '.started_ns as $start | [.slices[1:-1][] | select(.live_bytes == $bytes) | .ns - $start] |
		first / 1000000 | floor' slices
}
grown() { jq -r "[.backtraces[] | select(any(.frames[]; .function == \"$1\"))] | \"$2\" | tostring" window; }

serve --interval=60ms --outfile=/dev/null --save=run.htrace "$GUESTS/grows"
wait_until 60 has_slices 105000
ok $? "slices of the start"
for step in 1 2 3; do
	echo >&9
	wait_until 60 has_slices $((105000 + step * 300))
	ok $? "slices after step $step"
done
is "$(json '.interval_ns, .dear | tostring' slices | tr '\n' ' ')" "60000000 false " "as often as was asked for"
is "$(json '[.slices[] | .changes | length] | map(select(. > 0)) | length >= 4' slices)" true "slices with changes"
is "$(json '. as $d | [.slices[].changes[] | select($d.backtraces[.backtrace].frames | any(.function == "grow")) | .allocated_bytes] | add' slices)" 900 "the changes add up"
exec 9>&-
wait $pid
"$HT" report --slices --format=json run.htrace >slices
first=$(when 105000)
second=$(when 105300)
last=$(when 105900)

ht report --window="${first}ms..${last}ms" --format=json run.htrace
cp out window
is "$status" 0 "a window"
is "$(grown grow '\(.[0].growth_blocks) \(.[0].growth_bytes) \(.[0].allocated_blocks) \(.[0].freed_blocks)')" "9 900 9 0" "what was allocated and not freed"
is "$(grown replace '\(.[0].growth_blocks) \(.[0].growth_bytes) \(.[0].allocated_bytes) \(.[0].freed_bytes)')" "0 0 15000 15000" "what was replaced"
is "$(grown use '\(.[0].growth_blocks) \(.[0].allocated_blocks) \(.[0].freed_blocks)')" "0 30 30" "what was used for a moment"
is "$(json '.slope_per, (.files | length >= 3), (.files[0].bytes), (.files[-1].bytes) | tostring' window | tr '\n' ' ')" "second true 105000 105900 " "the whole heap"
ht report --window="${first}ms..${second}ms" --format=json run.htrace
cp out window
is "$(grown grow '\(.[0].growth_blocks)')" 3 "a shorter one"
ht report --window="${first}ms..${last}ms" run.htrace
like "$out" '^=== backtrace #1 === .*+900 bytes.*\[allocated: 9, 900 bytes\] \[freed: 0, 0 bytes\]' "as text, the biggest growth first"
like "$out" ' grow +0x' "with names"
unlike "$out" 'backtrace #2' "what did not grow is not listed"
like "$out" 'size before / after *: 105.000 KB / 105.900 KB (+900 bytes)' "the sums"
ht report --window="${first}ms..${last}ms" --format=collapsed run.htrace
like "$out" 'main;grow;leak 0 900$' "two columns for flamegraph.pl"
ht report --window="..${first}ms" --format=json run.htrace
is "$(json '.files | [.[0].bytes, .[-1].bytes] | tostring' out)" "[0,105000]" "from the start"
ht report --window="${last}ms.." --format=json run.htrace
is "$(json '[.files[-1].bytes, .backtraces[].growth_bytes] | unique | tostring' out)" "[0,105900]" "until the end"
ht report --window="$((first + 7))ms..$((last - 7))ms" run.htrace
is "$(printf '%s' "$out" | grep -c 'slice nearest to')" 2 "times that no slice has: it is said which are meant"
ht report --window=.. --ignore=/dev/stdin run.htrace
is "$status" 0 "no rules"
echo grow >rules
ht report --window=.. --ignore=rules --format=json run.htrace
is "$(json '[.backtraces[] | select(any(.frames[]; .function == "grow"))] | length' out)" 0 "rules apply to windows"
ht report --window=.. --fold-recursion --format=json run.htrace
is "$(json '[.backtraces[] | select(any(.frames[]; .function == "grow")) | .growth_bytes] | tostring' out)" "[900]" "recursion can be folded"
ht report --slices run.htrace
like "$out" '^ *0 .*(start)$' "the list begins with the start"
like "$out" '105.900 KB .*(end of the figures)$' "and ends with the end"
like "$out" 'a slice each 60.000 ms was asked for' "and says how often"

# massif, by its own reader.
if command -v ms_print >/dev/null; then
	ht export --format=massif run.htrace
	is "$status:$err" "0:" "massif: all slices have been kept, there is nothing to say"
	cp out run.massif
	run ms_print run.massif
	is "$status:$err" "0:" "ms_print reads it"
	like "$out" '^Command: *.*grows$' "the command"
	like "$out" 'Detailed snapshots: .*(peak)' "detailed snapshots, and the peak"
	like "$out" '>04.72% (5,000B) 0x[0-9A-F]*: replace (grows.c:' "a tree"
	is "$(grep -c '^heap_tree=peak' run.massif)" 1 "one peak"
	is "$(sed -n 's/^time=//p' run.massif)" "$(sed -n 's/^time=//p' run.massif | sort -n)" "in the order of time"
	is "$(sed -n 's/^mem_heap_B=//p' run.massif | tail -1)" 105900 "the end's bytes"
	is "$(sed -n 's/^mem_heap_B=//p' run.massif | sort -n | tail -1)" "$(grep -B3 '^heap_tree=peak' run.massif | sed -n 's/^mem_heap_B=//p')" "nothing is above the peak"
	at_least "$(grep -c '^heap_tree=detailed' run.massif)" 2 "trees in between"
	ht --format=massif --outfile=plain.massif "$GUESTS/peaks"
	like "$err" 'trees are known of the peak and of the end only; with --interval=TIME' "without slices: it is said how there are more"
	is "$(grep -c '^heap_tree=peak' plain.massif) $(grep -c '^heap_tree=detailed' plain.massif)" "1 1" "the peak and the end"
	run ms_print plain.massif
	is "$status:$err" "0:" "ms_print reads that too"
	ht -q --format=massif true
	is "$err" "" "-q says nothing"
	ht --format=massif sh -c "'$GUESTS/leak' 3 30; true"
	like "$err" 'a massif file holds one process' "of several processes it is the first, which is said"
else
	skip "massif" "ms_print is missing"
fi

ht --interval=1s --outfile=/dev/null "$GUESTS/leak" 3 30
like "$err" 'figures in snapshots: use --save=FILE.htrace too' "slices that nothing will keep: it is said"
ht -q --interval=1s --outfile=/dev/null "$GUESTS/leak" 3 30
is "$err" "" "unless -q"

# What cannot be.
for window in "" 5 1s 2s..1s 5..6 1s..x "0..1s..2s" -1s..2s; do
	ht report --window="$window" run.htrace
	is "$status:$out" "125:" "refused: --window='$window'"
	like "$err" 'two times since the program.s start' "with what it takes"
done
ht report --window=9h..10h run.htrace
is "$status" 125 "a window behind the end"
like "$err" 'begins after the run.s end: grows (pid [0-9]*) ran for .*--slices' "says how long the run was"
ht report --window="${first}ms..${first}.001ms" run.htrace
is "$status" 125 "a window in which there is nothing"
like "$err" 'nearest to the same slice' "says so"
for interval in 0 0s 1ms 5 x 1y -1s 99999999999h ""; do
	ht --interval="$interval" true
	is "$status" 125 "refused: --interval='$interval'"
	like "$err" '10ms or more' "with what it takes"
done
ht report --interval=1s run.htrace
is "$status" 125 "--interval is for runs"
ht --outfile=/dev/null --save=plain.htrace true
ht report --window=.. plain.htrace
is "$status" 125 "a snapshot without slices"
like "$err" 'has no slices: its run was without --interval.* run the program with heaptrace --interval' "says what to do"
ht report --slices plain.htrace
is "$status" 125 "there is none to be listed"
ht report --window=.. --slices run.htrace
is "$status" 125 "the list or a window"
ht report --window=.. --format=dhat run.htrace
is "$status" 125 "a format that holds one moment"
ht report --window=.. --flame-graph=at-peak run.htrace
is "$status" 125 "a window has no peak"
ht --interval=1h --outfile=/dev/null --save=short.htrace "$GUESTS/leak" 3 30
ht report --slices short.htrace
is "$status" 0 "a run that is shorter than the interval"
ht report --window=.. --format=json short.htrace
is "$(json '.files | length' out)" 2 "has its start and its end"
done_testing
