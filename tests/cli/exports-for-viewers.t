#!/bin/sh
# SPDX-License-Identifier: MIT
# speedscope, DHAT, CSV, collapsed: the shape that their readers demand, and the figures of the JSON report.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

export_as()
{
	run "$HT" export "--format=$1" run.htrace
	is "$status:$err" "0:" "$1: export"
	cp out "run.$1"
}
ht --outfile=/dev/null --save=run.htrace "$GUESTS/sorting"

# speedscope: the rules of its schema, and what its importer does with indices.
export_as speedscope
jq -e '."$schema" == "https://www.speedscope.app/file-format-schema.json" and (.shared.frames | type == "array") and
	([.shared.frames[] | (.name | type == "string") and (.file == null or (.file | type == "string")) and (.line == null or (.line | type == "number"))] | all) and
	([.profiles[] | .type == "sampled" and .unit == "bytes" and (.name | type == "string") and (.samples | length) == (.weights | length) and
	.startValue == 0 and .endValue == (.weights | add // 0)] | all)' run.speedscope >/dev/null
ok $? "speedscope: schema"
is "$(json '(.shared.frames | length) as $n | [.profiles[].samples[][] | . >= 0 and . < $n] | all' run.speedscope)" true "speedscope: no dangling index"
is "$(json '[.profiles[] | "\(.name) \(.endValue)"] | join(", ")' run.speedscope)" "live 9010, at the peak 59010, total 149010" "speedscope: three profiles"
is "$(json '.shared.frames as $f | .profiles[0] | [.samples, .weights] | transpose[] | "\([.[0][] | $f[.].name] | join(";")) \(.[1])"' run.speedscope | sort)" \
	"$("$HT" export --format=collapsed run.htrace | sort)" "speedscope: the live stacks are the collapsed ones"
is "$(json '[.shared.frames | group_by([.name, .file, .line])[] | length] | max' run.speedscope)" 1 "speedscope: no frame twice"
is "$(json '.activeProfileIndex' run.speedscope)" 0 "speedscope: live first"

# DHAT: dh_view.js itself, which checks the fields and builds its tree.
export_as dhat
is "$(json '.dhatFileVersion, .bklt, .bkacc, .ftbl[0]' run.dhat | tr '\n' ' ')" "2 true false [root] " "dhat: version and kind"
is "$(json '[.pps[] | [.tb, .tbk, .gb, .gbk, .eb, .ebk]] | transpose | map(add) | join(" ")' run.dhat)" "149010 3104 59010 104 9010 103" "dhat: figures"
is "$(json '(.ftbl | length) as $n | [.pps[].fs[] | . > 0 and . < $n] | all' run.dhat)" true "dhat: no dangling frame"
is "$(json '[.ftbl[1:][] | test("^0x[0-9A-F]+: .+( \\((in .+|.+:[0-9]+)\\))?$")] | all' run.dhat)" true "dhat: frames as valgrind writes them"
is "$(json '.te >= .tg and .tg > 0' run.dhat)" true "dhat: the peak lies before the end"
is "$(json '[.pps[] | has("tl")] | any' run.dhat)" false "dhat: no lifetimes, as they are not known"
ht --by-thread --outfile=/dev/null --save=threads.htrace "$GUESTS/viewed" 5
run "$HT" export --format=dhat --outfile=threads.dhat threads.htrace
is "$(json '[.pps[].fs] | length == (unique | length)' threads.dhat)" true "dhat: no stack twice, whichever threads had it"
is "$(json '[.pps[] | [.tb, .eb]] | transpose | map(add) | join(" ")' threads.dhat)" \
	"$("$HT" report --format=json threads.htrace | jq -r '.processes[0].totals | "\(.allocated_bytes) \(.live_bytes)"')" "dhat: and nothing lost"
view=$(find /usr/libexec/valgrind /usr/lib/valgrind /usr/lib/*/valgrind -name dh_view.js 2>/dev/null | head -n 1)
cat >view.js <<'JS'
// dh_view.js without a browser: its own checks, its own tree.
const vm = require("vm"), fs = require("fs");
const context = vm.createContext({ document: {}, window: {}, console, Intl });
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), context);
context.text = fs.readFileSync(process.argv[3], "utf8");
const line = vm.runInContext(`gData = JSON.parse(text); gSelect = { childNodes: gSelectData.map(() => ({})), selectedIndex: 0 };
	buildTree(); [gRoot._totalBytes, gRoot._totalBlocks, gRoot._atTGmaxBytes, gRoot._atTEndBytes].join(" ")`, context);
console.log(line);
JS
if command -v node >/dev/null && [ -n "$view" ]; then
	run node view.js "$view" run.dhat
	is "$out$err" "149010 3104 59010 9010" "dhat: dh_view.js reads it and comes to the same sums"
	jq 'del(.tg)' run.dhat >broken.dhat
	run node view.js "$view" broken.dhat
	like "$err" 'missing a field: tg' "dhat: it would have complained"
else
	skip "dhat: dh_view.js reads it" "node or valgrind's dh_view.js is missing"
fi

# CSV, read by python's own reader.
export_as csv
cat >read.py <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8"), strict=True))
assert all(None not in row and None not in row.values() for row in rows), "ragged"
for key in sys.argv[2:]:
    print(sum(int(row[key]) for row in rows))
for row in rows:
    if "few_large" in row["stack"]:
        print(row["program"], row["live_bytes"], row["entry"], row["function"], row["stack"].split(";")[-3:])
PY
run python3 read.py run.csv live_bytes live_blocks at_peak_bytes total_bytes total_blocks
is "$(printf '%s\n' "$out" | head -n 5 | tr '\n' ' ')$err" "9010 103 59010 149010 3104 " "csv: figures"
is "$(printf '%s\n' "$out" | tail -n 1)" "sorting 8000 malloc leak ['main', 'few_large', 'leak']" "csv: a line"
cp "$GUESTS/leak" 'odd, "name"'
ht --format=csv --outfile=odd.csv './odd, "name"' 2 20
run python3 read.py odd.csv live_bytes
is "$status:$(printf '%s\n' "$out" | head -n 1)" "0:40" "csv: commas and quotes in names"

# collapsed: the metric.
run "$HT" export --flame-graph=total run.htrace
is "$(printf '%s\n' "$out" | awk '{ s += $NF } END { print s }')" 149010 "--flame-graph=total alone is collapsed"
run "$HT" export --format=json run.htrace
mv out exported && "$HT" report --format=json run.htrace >reported
same exported reported "json: as report writes it"
if command -v flamegraph.pl >/dev/null; then
	run flamegraph.pl run.collapsed
	is "$status" 0 "flamegraph.pl reads the stacks"
else
	skip "flamegraph.pl reads the stacks" "flamegraph.pl is missing"
fi

# On a run, with children, in every format; and what has to be said.
for format in speedscope dhat; do
	ht --format=$format sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30"
	is "$status:$err" "0:" "$format: on a run with children"
	jq -e . out >/dev/null
	ok $? "$format: one document"
done
# shellcheck disable=SC2016
is "$(json '.ftbl as $f | [.pps[] | $f[.fs[-1]]] | unique | map(select(test("^0x0: (sh|leak) \\(in process [0-9]+\\)$"))) | length' out)" 3 \
	"dhat: each process below a root of its own"
cp out tree.dhat
[ -z "$view" ] || ! command -v node >/dev/null || run node view.js "$view" tree.dhat
is "$status:$err" "0:" "dhat: and dh_view.js can read that"
ht --format=csv sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30"
mv out tree.csv
is "$(awk -F, '$2 == "\"leak\"" { n += $3; b += $4 } END { print n, b }' tree.csv)" "5 130" "csv: all processes"
ht --format=speedscope --outfile=all.%n sh -c "'$GUESTS/leak'; true"
is "$(json '.name' all.leak) $(json '.name' all.sh)" "leak sh" "a file for each process"

refuses()
{
	pattern=$1 name=$2
	shift 2
	refused 125 "^heaptrace export: .*$pattern" "$name" "$@"
}
refuses 'format.*pprof.*csv' "no format" export run.htrace
refuses 'format.*pprof.*csv' "text" export --format=text run.htrace
refuses 'formats are .*speedscope' "unknown format" export --format=svg run.htrace
refuses 'no FILE' "no file" export --format=csv
refuses 'more than one' "two files" export --format=csv run.htrace run.htrace
refuses 'No such file' "missing file" export --format=csv missing.htrace
refuses 'not a' "foreign file" export --format=dhat /bin/ls
refuses 'outfile' "missing directory" export --format=dhat --outfile=/no/such/directory/x run.htrace
refuses 'ignore' "missing rules" export --format=dhat --ignore=missing run.htrace
refuses 'sort' "an option of the text report" export --format=csv --sort=size run.htrace
refuses 'written' "full disk" export --format=csv --outfile=/dev/full run.htrace
if command -v script >/dev/null; then
	run script -qec "'$HT' export --format=pprof run.htrace" /dev/null
	is "$status" 125 "pprof on a terminal: 125"
	like "$out" 'not for a terminal' "says why"
	run script -qec "'$HT' --format=pprof '$GUESTS/leak'" /dev/null
	is "$status" 125 "pprof on a terminal, on a run: 125"
	like "$out" 'not for a terminal' "says why"
	run script -qec "'$HT' --format=pprof --outfile=tty.pb.gz '$GUESTS/leak'" /dev/null
	is "$status" 0 "into a file it is allowed"
else
	skip "pprof on a terminal" "script is missing"
fi
# Offsets are those of the JSON report, wherever the program lies; what means something to readers is in no name.
cat >fixed.c <<'C'
#include <stdlib.h>
void *kept;
__attribute__((noinline)) void deep(int n) { if (n) deep(n - 1); else kept = malloc(10); __asm__ volatile(""); }
int main(void) { deep(5); return 0; }
C
${CC:-gcc} -fno-builtin -O1 -no-pie -o fixed fixed.c || bail "compiled"
ht --outfile=/dev/null --save=fixed.htrace ./fixed
"$HT" export --format=csv fixed.htrace >fixed.csv
is "$(python3 -c 'import csv
print(*(row["offset"] for row in csv.DictReader(open("fixed.csv", newline="")) if row["function"] == "deep"))')" \
	"$("$HT" report --format=json fixed.htrace | jq -r '.processes[0].backtraces[] | select(.frames[1].function == "deep") | .frames[1].offset')" "csv: offset"
ht --format=collapsed --depth=3 ./fixed
like "$out" '^fixed;\[truncated\];deep;deep 10$' "collapsed: where frames were cut"
${CC:-gcc} -fno-builtin -O1 -s -o 'semi;colon' fixed.c || bail "compiled"
ht --format=csv --no-lines './semi;colon'
is "$(python3 -c 'import csv
for row in csv.DictReader(open("out", newline="")):
    if row["live_bytes"] == "10":
        print(row["program"], "semi:colon" in row["stack"], "semi;colon" in row["stack"])')" "semi;colon True False" "csv: a semicolon separates frames, and nothing else"

done_testing
