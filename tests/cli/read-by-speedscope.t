#!/bin/sh
# SPDX-License-Identifier: MIT
# speedscope's own importer, out of its npm package, reads the speedscope, pprof and collapsed exports and comes to the
# stacks of the JSON report.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
release=$BUILD/npm/node_modules/speedscope/dist/release
command -v node >/dev/null || skip_all "node is missing"
[ -d "$release" ] || skip_all "speedscope is missing: make npm fetches it"

import() { run node "$SOURCE/tests/lib/speedscope.js" "$release" "$1"; }
stacks() { json ".profiles[$1].stacks | to_entries[] | \"\(.key) \(.value)\"" imported | sort; }
figures() { python3 "$SOURCE/tests/lib/figures.py" stacks "$1" run.json | sort; }

ht --outfile=/dev/null --save=run.htrace "$GUESTS/viewed" 5
"$HT" report --format=json run.htrace >run.json
for format in speedscope pprof collapsed; do
	run "$HT" export --format=$format --outfile=run.$format run.htrace
	is "$status:$err" "0:" "$format: export"
	import run.$format
	is "$status:$err" "0:" "$format: speedscope reads it"
	mv out imported.$format
done
cp imported.speedscope imported
is "$(json '.name, .shown, (.profiles[] | .name, .unit)' imported | tr '\n' ' ')" "viewed 0 live bytes at the peak bytes total bytes " \
	"speedscope: three profiles in bytes, the live one first"
while read -r number field; do
	stacks "$number" >seen
	figures "$field" >expected
	at_least "$(wc -l <expected)" 5 "speedscope: $field: stacks"
	same seen expected "speedscope: $field: the stacks of the JSON report"
	is "$(json ".profiles[$number].total" imported)" "$(python3 "$SOURCE/tests/lib/figures.py" sum "$field" run.json)" "speedscope: $field: the sum"
done <<'LIST'
0 live_bytes
1 at_peak_bytes
2 total_bytes
LIST
for metric in live at-peak total; do
	"$HT" export --flame-graph=$metric --format=speedscope run.htrace >metric
	import metric
	json '.profiles[.shown].name' out
done >first
is "$(tr '\n' ',' <first)" "live,at the peak,total," "--flame-graph: which is shown first"

cp imported.collapsed imported
stacks 0 >seen
figures live_bytes >expected
same seen expected "collapsed: the stacks of the JSON report"

# Its import of pprof shows one sample type, names no program, and takes neither inlined functions nor places without names.
cp imported.pprof imported
is "$(json '.profiles | length' imported) $(json '.profiles[0].unit' imported)" "1 bytes" "pprof: one profile, in bytes"
stacks 0 | sed 's/;\(malloc\|calloc\|operator new\(\[\]\)*(unsigned long)\) \([0-9]*\)$/ \3/; s/^/viewed;/' | sort >seen
mv run.json whole.json
jq 'def shown: map(select((.inlined or .function == null) | not));
	.processes[].backtraces[] |= (.allocator_frames = (.frames[:.allocator_frames] | shown | length) | .frames |= shown)' whole.json >run.json
figures live_bytes >expected
same seen expected "pprof: the live stacks of the JSON report"

ht --format=speedscope sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30; exit 0"
mv out tree.speedscope
import tree.speedscope
mv out imported
is "$(stacks 0 | grep '^leak;' | awk '{ s += $NF } END { print s }')" 130 "children: below a frame of their program"
ht --outfile=/dev/null --save=nothing.htrace true
for format in speedscope pprof; do
	"$HT" export --format=$format --outfile=nothing.$format nothing.htrace
	import nothing.$format
	is "$status:$(json ".profiles[0].total" out)" "0:0" "$format: nothing live"
done
"$HT" export --format=csv run.htrace >run.csv
import run.csv
is "$status" 1 "speedscope would have refused something else"
done_testing
