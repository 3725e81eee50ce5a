#!/bin/sh
# SPDX-License-Identifier: MIT
# --thread=NAME|TID and --group=thread: on a run they see to it that threads are kept apart; a snapshot has to know them.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

ht --by-thread --outfile=/dev/null --save=run.htrace "$GUESTS/views-threads"
is "$status" 0 "status"
# figures OPTION...: blocks and bytes of what `work` asked for, by thread
figures()
{
	"$HT" report --format=json --through=work "$@" run.htrace |
		jq -r '.processes[0].backtraces | map("\(.thread.name) \(.live_blocks) \(.live_bytes)") | sort | join(", ")'
}
is "$(figures)" "reader 2 200, views-threads 1 5, views-threads 1 7, writer-1 3 30, writer-2 3 30" "all threads"
is "$(figures --thread=reader)" "reader 2 200" "one by its name"
is "$(figures --thread='writer-?')" "writer-1 3 30, writer-2 3 30" "a pattern"
is "$(figures --thread=reader --thread=writer-2)" "reader 2 200, writer-2 3 30" "either of two"
is "$(figures --thread=writer)" "" "not a part of a name"
tid=$("$HT" report --format=json run.htrace | jq '[.processes[0].backtraces[].thread | select(.name == "writer-2") | .tid][0]')
is "$(figures --thread="$tid")" "writer-2 3 30" "one by its number"
for format in collapsed csv heap_v2 speedscope dhat pprof; do
	run "$HT" export --format=$format --through=work --thread='writer*' run.htrace
	case $format in
	collapsed) got=$(awk '{ sum += $NF } END { print sum }' out);;
	csv) got=$(tail -n +2 out | awk -F, '{ sum += $4 } END { print sum }');;
	heap_v2) got=$(sed -n '1s/^heap profile: [0-9]*: \([0-9]*\) .*/\1/p' out);;
	speedscope) got=$(jq '.profiles[0].endValue' out);;
	dhat) got=$(jq '[.pps[].eb] | add' out);;
	pprof) got=$(python3 "$SOURCE/tests/lib/pprof.py" out | jq '[.samples[].values[-1]] | add');;
	esac
	is "$got" 60 "$format"
done
"$HT" export --format=pprof --through=work run.htrace >all.pb.gz
is "$(python3 "$SOURCE/tests/lib/pprof.py" all.pb.gz | jq -r '[.samples[] | select(.labels.thread == "reader") | .values[-1]] | tostring')" "[200]" "pprof: labelled"
is "$(python3 "$SOURCE/tests/lib/pprof.py" all.pb.gz | jq -r '[.samples[].labels.thread_id] | unique | length')" 5 "pprof: with their numbers"

ht --color=never --group=thread --through=work "$GUESTS/views-threads"
is "$(printf '%s\n' "$err" | sed -n 's/^=== group #[0-9]*: \([a-z0-9-]*\) [0-9]* === \(.count: [0-9]*. .size: [0-9]* bytes.\).*/\1 \2/p')" \
	"reader [count: 2] [size: 200 bytes]
writer-1 [count: 3] [size: 30 bytes]
writer-2 [count: 3] [size: 30 bytes]
views-threads [count: 1] [size: 7 bytes]
views-threads [count: 1] [size: 5 bytes]" "--group=thread on a run"
is "$("$HT" report --format=json --group=thread --through=work run.htrace | jq -c '[.processes[0].groups[] | [.thread.name, .name == "\(.thread.name) \(.thread.tid)", .live_bytes]]')" \
	'[["reader",true,200],["writer-1",true,30],["writer-2",true,30],["views-threads",true,7],["views-threads",true,5]]' "json: groups"
ht --color=never --thread=reader --through=work "$GUESTS/views-threads"
is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" 1 "--thread on a run"

ht --outfile=/dev/null --save=plain.htrace "$GUESTS/views-threads"
for option in --thread=reader --group=thread; do
	ht report $option plain.htrace
	is "$status$out" 125 "$option: a snapshot without threads is refused"
	like "$err" 'run the program with it' "$option: what to do is said"
done
serve --outfile=/dev/null "$GUESTS/serve"
ht dump --thread=reader "$program"
is "$status" 125 "dump: refused too"
like "$err" 'without --by-thread' "dump: why is said"
exec 9>&-
wait $pid
for bad in --thread= --thread=a/b; do
	ht "$bad" "$GUESTS/views-threads"
	is "$status$out" 125 "$bad is refused"
done
done_testing
