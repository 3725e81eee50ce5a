#!/bin/sh
# SPDX-License-Identifier: MIT
# valgrind's dh_view.js reads the DHAT export: every stack has the figures of the JSON report, what is not known is not shown
# as if it were, and stacks that differ in their threads alone are one.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
view=$(find /usr/libexec/valgrind /usr/lib/valgrind /usr/lib/*/valgrind -name dh_view.js 2>/dev/null | head -n 1)
[ -n "$view" ] || skip_all "valgrind's dh_view.js is missing"
command -v node >/dev/null || skip_all "node is missing"

look() { run node "$SOURCE/tests/lib/dh_view.js" "$view" "$1"; cp out seen.json; }
cat >stacks.py <<'PY'
import json, sys
FIELDS = ["total_bytes", "total_blocks", "peak_bytes", "peak_blocks", "at_peak_bytes", "at_peak_blocks", "live_bytes", "live_blocks"]

def line(frame):
    text = f"0x{int(frame['address'], 16):X}: {frame['function'] or '???'}"
    if frame["file"]:
        return text + f" ({frame['file']}:{frame['line']})" if frame["line"] else text + f" ({frame['file']})"
    return text + f" (in {frame['module']})" if frame["module"] else text

path, peaks = sys.argv[1], sys.argv[2:] == ["peaks"]
document, sums = json.load(open(path, encoding="utf-8")), {}
if "leaves" in document:
    for frames, *values in document["leaves"]:
        if frames: # a root without anything below is one, too
            sums["|".join(frames)] = values
else:
    for backtrace in (b for p in document["processes"] for b in p["backtraces"]):
        key = "|".join(line(f) for f in backtrace["frames"][backtrace["allocator_frames"]:])
        values = [backtrace[field] for field in FIELDS]
        sums[key] = [a + b for a, b in zip(sums.get(key, [0] * 8), values)]
for key, values in sorted(sums.items()):
    if not peaks:
        values[2:4] = [] # of stacks that are added up they are not known
    print(key, *values)
PY

compare()
{
	"$HT" report --format=json "$1" >run.json
	run "$HT" export --format=dhat --outfile=run.dhat "$1"
	is "$status:$err" "0:" "$2: export"
	look run.dhat
	is "$status:$err" "0:" "$2: dh_view.js reads it, and finds no fault"
	# shellcheck disable=SC2086
	{
		python3 stacks.py run.json $3 >said
		python3 stacks.py seen.json $3 >seen
	}
	same seen said "$2: every stack with its figures"
	is "$(json '.sums | join(" ")' seen.json)" \
		"$(json '[.processes[].backtraces[] | [.total_bytes, .total_blocks, .at_peak_bytes, .at_peak_blocks, .live_bytes, .live_blocks]] | transpose | map(add) | if . == [] then [0, 0, 0, 0, 0, 0] else . end | join(" ")' run.json)" \
		"$2: the sums of the JSON report"
}

ht --outfile=/dev/null --save=run.htrace "$GUESTS/viewed" 5
compare run.htrace "a run" peaks
at_least "$(wc -l <said)" 8 "stacks to compare"
cp run.dhat good.dhat
shown=$(json '.shown["Total (bytes)"]' seen.json)
like "$shown" '^  Mode: *heaptrace (lifetimes are not known)$' "it says that lifetimes are not known"
is "$(printf '%s\n' "$shown" | grep -c 'avg lifetime [0-9]')" 0 "and shows no lifetime"
short=$(json '.shown | to_entries[] | select(.key | test("short-lived")).value' seen.json)
is "$(printf '%s\n' "$short" | grep -c ' Max: ')$(printf '%s\n' "$short" | grep -c '\[[0-9]* insignificant\]')" 01 "nothing counts as short-lived"
is "$(json '.shown | keys | join(", ")' seen.json)" \
	"At t-end (bytes), At t-gmax (bytes), Total (blocks), Total (blocks), short-lived, Total (blocks), tiny, Total (bytes)" \
	"what it sorts by: nothing about reads and writes"
peak_ns=$(json '.processes[0].totals.peak_ns - .processes[0].started_ns' run.json)
like "$shown" "^  t-gmax: $(printf '%s' "$peak_ns" | sed ':a;s/\([0-9]\)\([0-9]\{3\}\)\($\|,\)/\1,\2\3/;ta') ns" "the peak's time"

# The same stacks by two threads, and by two entry points through one call.
ht --by-thread --outfile=/dev/null --save=threads.htrace "$GUESTS/viewed" 5
compare threads.htrace "--by-thread"
is "$(jq -r '[.leaves[] | select(any(.[0][]; contains("work(void*)")))] | map(.[1:] | join(" ")) | .[]' seen.json)" \
	"3000 20 3000 20 $(json '[.processes[].backtraces[] | select(any(.frames[]; .function == "work(void*)"))] | [(map(.at_peak_bytes) | add), (map(.at_peak_blocks) | add)] | join(" ")' run.json) 3000 20" \
	"one stack for both workers, with the least peak that it can have had"
cat >entries.c <<'C'
#include <stdlib.h>
void *volatile kept;
int main(void)
{
	void *(*volatile entries[])(size_t, size_t) = { calloc, aligned_alloc };
	for (int i = 0; i < 2; i++) kept = entries[i](16, 64);
	return 0;
}
C
${CC:-gcc} -g -O0 -fno-builtin -w -o entries entries.c || bail "compiled"
ht --outfile=/dev/null --save=entries.htrace ./entries
compare entries.htrace "two entry points"
is "$(json '.leaves | map(select(any(.[0][]; contains("main")))) | map(.[1:3] | join(" ")) | join(",")' seen.json)" "1088 2" "are one stack"

# Several processes, and nothing.
ht --format=dhat sh -c "setarch -R '$GUESTS/leak' 2 20; setarch -R '$GUESTS/leak' 2 20; exit 0"
cp out tree.dhat
look tree.dhat
is "$status:$err" "0:" "the same program twice at the same addresses"
is "$(json '[.leaves[] | select(any(.[0][]; contains("leak_a") or test(": leak "))) | .[7]] | add' seen.json)" 80 "the blocks of both"
ht --outfile=/dev/null --save=nothing.htrace true
compare nothing.htrace "nothing live"
echo 'int main(void) { return 0; }' >empty.c && ${CC:-gcc} -o empty empty.c
ht --outfile=/dev/null --save=empty.htrace ./empty
"$HT" export --format=dhat --outfile=empty.dhat empty.htrace
look empty.dhat
is "$status:$err" "0:" "nothing ever allocated"

# It can say no.
jq 'del(.tg)' good.dhat >bad.dhat
look bad.dhat
like "$err" 'missing a field: tg' "it would have complained of a missing field"
jq '.pps += [.pps[0]]' good.dhat >bad.dhat
look bad.dhat
like "$err" 'repeated location' "and of a stack that is there twice"
done_testing
