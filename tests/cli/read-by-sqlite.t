#!/bin/sh
# SPDX-License-Identifier: MIT
# CSV, read by sqlite3's .import and by python's csv module: every row and every figure of the JSON report.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cp "$GUESTS/viewed" 'odd, "name"
two lines'
ht --by-thread --outfile=/dev/null --save=run.htrace './odd, "name"
two lines' 5
run "$HT" export --format=csv --outfile=run.csv run.htrace
is "$status:$err" "0:" "export"
"$HT" report --format=json run.htrace >run.json
figures='"live_blocks", "live_bytes", "peak_blocks", "peak_bytes", "at_peak_blocks", "at_peak_bytes", "total_blocks", "total_bytes", "first_ns", "last_ns"'

cat >read.py <<'PY'
import csv, json, sys
FIELDS = json.loads("[" + sys.argv[3] + "]")
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    reader = csv.reader(file, strict=True)
    head = next(reader)
    rows = [dict(zip(head, row)) for row in reader if len(row) == len(head) or sys.exit("a ragged row")]
with open(sys.argv[2], encoding="utf-8") as file:
    process = json.load(file)["processes"][0]
expected = []
for backtrace in process["backtraces"]:
    hidden = backtrace["allocator_frames"]
    caller = backtrace["frames"][hidden]
    expected.append([str(process["pid"])] + [str(backtrace[f]) for f in FIELDS] +
        [str(int(backtrace["truncated"])), backtrace["frames"][0]["function"], caller["file"] or "", str(caller["line"] or "")])
seen = [[row["pid"]] + [row[f] for f in FIELDS] + [row["truncated"], row["entry"], row["file"], row["line"]] for row in rows]
print(len(seen), sorted(seen) == sorted(expected), {row["program"] for row in rows} == {'odd, "name" two lines'})
for left, right in zip(sorted(seen), sorted(expected)):
    if left != right:
        print(left, right)
PY
run python3 read.py run.csv run.json "$figures"
is "$out$err" "$(json '.processes[0].backtraces | length' run.json) True True" "python: every row, with its figures and its place"

if command -v sqlite3 >/dev/null; then
	sql() { run sqlite3 heap.db "$@"; }
	sql '.import --csv run.csv heap'
	is "$status:$out$err" "0:" "sqlite3 imports it without a word"
	sql 'select count(*), sum(live_bytes), sum(live_blocks), sum(at_peak_bytes), sum(total_bytes), sum(total_blocks) from heap'
	is "$out" "$(json '.processes[0].backtraces | [length, (map(.live_bytes) | add), (map(.live_blocks) | add), (map(.at_peak_bytes) | add),
		(map(.total_bytes) | add), (map(.total_blocks) | add)] | join("|")' run.json)" "sqlite3: the sums of the JSON report"
	sql "select live_bytes, live_blocks, entry from heap where function = 'grow(int)'"
	is "$out" "500|5|malloc" "a function's row"
	sql "select function, sum(total_bytes) from heap where stack like '%main;walk(int)%' group by function"
	is "$out" "walk(int)|30" "by a part of the stack"
sql "select distinct program from heap"
is "$out" 'odd, "name" two lines' "commas and quotes in names"
is "$(wc -l <run.csv)" "$(($(json '.processes[0].backtraces | length' run.json) + 1))" "a row is a line, whatever is in names"
	sql "select count(*) from heap where typeof(live_bytes + 0) <> 'integer' or function = ''"
	is "$out" 0 "numbers are numbers, and each row has a place"
	"$HT" export --format=csv --group=function run.htrace >groups.csv
	sql '.import --csv groups.csv groups'
	is "$status:$out$err" "0:" "groups: imported"
	sql "select (select sum(live_bytes) from groups) = (select sum(live_bytes) from heap)"
	is "$out" 1 "groups: the same sum"
	ht --outfile=/dev/null --save=nothing.htrace true
	"$HT" export --format=csv nothing.htrace >nothing.csv
	sql '.import --csv nothing.csv none' 'select sum(live_bytes), count(*) >= 0 from none'
	is "$status:$(printf '%s' "$out" | sed 's/^0|/|/'):$err" "0:|1:" "nothing live"
else
	skip "sqlite3 imports it" "sqlite3 is missing"
fi
done_testing
