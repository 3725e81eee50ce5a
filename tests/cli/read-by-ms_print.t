#!/bin/sh
# SPDX-License-Identifier: MIT
# massif: what ms_print draws of a run is the timeline and the figures of the JSON report: the peak's tree, function by
# function, the end's, and the snapshots' bytes.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
command -v ms_print >/dev/null || skip_all "ms_print (valgrind) is missing"

cat >trees.py <<'PY'
import re, sys
# ms_print's trees: FUNCTION BYTES of each line, and whether all lines below one add up to it.
trees, tree = {}, None
for text in open(sys.argv[1], encoding="utf-8").read().splitlines():
    row = re.match(r" *([0-9]+) +([0-9,]+) +([0-9,]+) +([0-9,]+) +([0-9,]+) +([0-9,]+)$", text)
    line = re.match(r"([| ]*)->[0-9.]+% \(([0-9,]+)B\) (.*)$", text)
    root = re.match(r"[0-9.]+% \(([0-9,]+)B\) \(heap allocation functions\)", text)
    if row:
        number, useful = int(row.group(1)), int(row.group(4).replace(",", ""))
    elif root:
        tree = trees[number] = [useful, [(-1, int(root.group(1).replace(",", "")), "root")]]
    elif line:
        tree[1].append((len(line.group(1)) // 2, int(line.group(2).replace(",", "")), line.group(3)))
peak = int(re.search(r"([0-9]+) \(peak\)", open(sys.argv[1], encoding="utf-8").read()).group(1))
for number, (useful, lines) in trees.items():
    assert lines[0][1] == useful, f"snapshot {number}: the root is not the snapshot's bytes"
    for i, (depth, size, name) in enumerate(lines):
        below = []
        for deeper, child, _ in lines[i + 1:]:
            if deeper <= depth:
                break
            if deeper == depth + 1:
                below.append(child)
        assert not below or sum(below) == size, f"snapshot {number}: {name} is {size}, below it are {below}"
for name in sys.argv[2:]:
    for number in (peak, max(trees)):
        lines = [size for depth, size, text in trees[number][1] if re.match(rf"0x[0-9A-F]+: {re.escape(name)}\(?.* \(", text)]
        print(name, "peak" if number == peak else "end", lines[0] if lines else 0)
PY
field() { jq --arg name "$2" "[.processes[0].backtraces[] | select(.frames[.allocator_frames].function == \$name).$1] | add // 0" run.json; }

for options in "" --interval=10ms; do
	# shellcheck disable=SC2086
	ht $options --outfile=/dev/null --save=run.htrace "$GUESTS/sorting"
	"$HT" report --format=json run.htrace >run.json
	run "$HT" export --format=massif --outfile=run.massif run.htrace
	is "$status" 0 "export${options:+ of a run with $options}"
	run ms_print --threshold=0 run.massif
	is "$status:$err" "0:" "ms_print reads it"
	mv out drawn
	run python3 trees.py drawn use leak
	is "$err" "" "each line of a tree is the sum of those below it"
	is "$out" "use peak $(field at_peak_bytes use)
use end $(field live_bytes use)
leak peak $(field at_peak_bytes leak)
leak end $(field live_bytes leak)" "the functions' bytes at the peak and at the end"
	is "$(sed -n 's/^mem_heap_B=//p' run.massif | sort -n | tail -n 1)" "$(json '.processes[0].totals.peak_bytes' run.json)" "the largest is the peak"
	is "$(sed -n 's/^mem_heap_B=//p' run.massif | tail -n 1)" "$(json '.processes[0].totals.live_bytes' run.json)" "the last is the end"
	is "$(sed -n 's/^cmd: //p' run.massif)" "$(json '.processes[0].command | join(" ")' run.json)" "the command"
	is "$(sed -n 's/^time_unit: //p' run.massif)" ms "times in ms"
done

# Trees that are deep, names that are odd, nothing at all.
ht --format=massif --outfile=deep.massif "$GUESTS/stacks-deep"
run ms_print deep.massif
is "$status:$err" "0:" "deep stacks"
cp "$GUESTS/leak" 'odd: (in "name") desc:
n1: 5'
ht --format=massif --outfile=odd.massif './odd: (in "name") desc:
n1: 5' 2 20
run ms_print odd.massif
is "$status:$err" "0:" "a program's name that looks like the format"
ht --format=massif --outfile=nothing.massif true
run ms_print nothing.massif
is "$status:$err" "0:" "nothing live"
echo 'int main(void) { return 0; }' >empty.c
${CC:-gcc} -o empty empty.c && ht --format=massif --outfile=empty.massif ./empty
run ms_print empty.massif
is "$status:$err" "0:" "nothing ever allocated"
sed 's/^mem_heap_B=/mem_heap=/' run.massif >bad.massif
run ms_print bad.massif
[ "$status" -ne 0 ]
ok $? "ms_print would have refused something else"
done_testing
