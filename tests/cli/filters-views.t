#!/bin/sh
# SPDX-License-Identifier: MIT
# --module, --from, --through, --not-through, --min-size, --max-size, --min-age, --max-age: on a run, a report, an export, in
# every format; the totals are those of what is left, and a line or a field says how much was left out.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

ht --color=never --save=run.htrace --through=parse "$GUESTS/views"
is "$status" 0 "status"
is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" 1 "text: one backtrace is left"
like "$err" 'count/peak: 3/3. .size/peak: 300 bytes' "text: it is the one"
like "$err" 'heap traced allocation size  : 300 bytes' "text: the totals are without the others"
like "$err" '^\[heaptrace\] filtered out: 213 bytes in 11 blocks of [0-9]* backtraces$' "text: one line says what was left out"
ht --color=never --through=no_such_function "$GUESTS/views"
is "$err" "" "text: nothing left, nothing printed"
ht -v --color=never --through=no_such_function "$GUESTS/views"
like "$err" 'filtered out: 513 bytes in 14 blocks' "-v says why"
ht --save=other.htrace --outfile=/dev/null --from=parse "$GUESTS/views"
is "$("$HT" report --format=json other.htrace | jq .processes[0].totals.live_blocks)" 14 "a snapshot holds all, whatever is shown"

# live_bytes FORMAT OPTION...: what the export in a format has live
live_bytes()
{
	format=$1
	shift
	run "$HT" export --format="$format" "$@" run.htrace
	case $format in
	json) jq '[.processes[].backtraces[].live_bytes] | add // 0' out;;
	collapsed) awk '{ sum += $NF } END { print sum + 0 }' out;;
	speedscope) jq '.profiles[0].endValue' out;;
	dhat) jq '[.pps[].eb] | add // 0' out;;
	csv) tail -n +2 out | awk -F, '{ sum += $4 } END { print sum + 0 }';;
	heap_v2) sed -n '1s/^heap profile: [0-9]*: \([0-9]*\) .*/\1/p' out;;
	pprof) python3 "$SOURCE/tests/lib/pprof.py" out | jq '[.samples[].values[-1]] | add // 0';;
	esac
}
for format in json collapsed speedscope dhat csv heap_v2 pprof; do
	got=$(live_bytes $format)
	for options in --from=lex --module=views --module=libc.so --through=walk --not-through=e "--min-size=11 --max-size=60" --through=strdup; do
		# shellcheck disable=SC2086
		got="$got $(live_bytes $format $options)"
	done
	is "$got" "513 107 513 0 40 40 60 6" "$format: each filter"
done
is "$("$HT" report --format=json --from=walk run.htrace | jq -c '.processes[0] | [.totals.allocations, .totals.live_bytes, .filtered.live_blocks, .filtered.live_bytes, .ignored.backtraces]')" \
	"[4,40,10,473,0]" "json: totals, and what was left out"
echo parse >rules
is "$("$HT" report --format=json --ignore=rules --not-through=walk run.htrace | jq -c '.processes[0] | [.ignored.live_bytes, .filtered.live_bytes, .totals.live_bytes]')" \
	"[300,40,173]" "rules and filters are told apart"

# The bytes that a view is about.
is "$("$HT" report --sort=total --min-size=5k --color=never run.htrace | grep -c 'total: 1/5.000 KB')" 1 "--min-size and --sort=total"
is "$("$HT" report --flame-graph=total --min-size=5k run.htrace | wc -l)" 1 "--min-size and --flame-graph=total"
is "$("$HT" report --flame-graph --min-size=5k run.htrace | wc -l)" 0 "--min-size of what is live"

# Ages: between two backtraces that were first seen at different times, as the snapshot has them.
ht --outfile=/dev/null --save=ages.htrace "$GUESTS/sorting"
"$HT" report --format=json ages.htrace >ages
between=$(jq '.processes[0] | (.started_ns + .duration_ns) as $now | [.backtraces[].first_ns] | sort | $now - (.[0] + .[1]) / 2 | floor' ages)
is "$("$HT" report --format=json --min-age="${between}ns" ages.htrace | jq '[.processes[0].backtraces[].live_blocks] | add')" 1 "--min-age: the oldest"
is "$("$HT" report --format=json --max-age="${between}ns" ages.htrace | jq '[.processes[0].backtraces[].live_blocks] | add')" 102 "--max-age: the others"

# Differences and limits.
ht --outfile=/dev/null --save=before.htrace "$GUESTS/sorting"
is "$("$HT" diff --format=json --through=no_such_function run.htrace before.htrace | jq '.rows | length')" 0 "diff: filtered"
ht diff --min-size=10 run.htrace before.htrace
is "$status" 125 "diff: not by size, which changes"
ht --max-live=400 --through=walk "$GUESTS/views"
is "$status" 0 "limits hold for what is left"
ht --max-live=39 --through=walk "$GUESTS/views"
is "$status" 120 "and are exceeded by it"
like "$err" '40 bytes live' "which is said"
ht --max-growth-over=run.htrace --min-size=10 "$GUESTS/views"
is "$status" 125 "growth is of all sizes"
like "$err" 'leave out --min-size' "and what to do is said"

# Bad input.
for bad in --module= --from='*' --through='^$' --min-size=x --max-age=3 --min-age=-1s; do
	ht "$bad" "$GUESTS/views"
	is "$status$out" 125 "$bad is refused"
	like "$err" "heaptrace: ${bad%%=*}=" "$bad: named"
done
ht --min-size=3k --max-size=2k "$GUESTS/views"
is "$status$err" "125heaptrace: --min-size is more than --max-size: nothing can be between them; swap them" "sizes the wrong way round"
is "$("$HT" report --color=never --sort=peak --min-size=1000 run.htrace | grep -c '=== backtrace')" 1 "--min-size and --sort=peak: own peaks"

done_testing
