#!/bin/sh
# SPDX-License-Identifier: MIT
# flamegraph.pl draws the collapsed stacks: every box has the bytes that the JSON report gives it, of one snapshot and, in two
# columns, of the difference between two.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
flamegraph=$(command -v flamegraph.pl || echo /usr/share/perl5/Devel/NYTProf/flamegraph.pl)
[ -r "$flamegraph" ] || skip_all "flamegraph.pl (libdevel-nytprof-perl) is missing"

# boxes SVG: name and bytes of all of them; folded STACKS: the same from stacks with one or two columns
cat >boxes.py <<'PY'
import collections, html, re, sys
mode, path = sys.argv[1:]
text = open(path, encoding="utf-8").read()
plain = str.maketrans("<>", "()") # some of its releases do that
boxes = []
if mode == "boxes":
    for title in re.findall(r"<title>(.*?)</title>", text, re.S):
        name, value, delta = re.fullmatch(r"(.*) \(([0-9,]+) bytes, [0-9.]+%(?:; ([-+]?[0-9.]+)%)?\)", title, re.S).groups()
        boxes.append((html.unescape(name).translate(plain), int(value.replace(",", "")), float(delta or 0)))
else:
    values, deltas = collections.Counter(), collections.Counter()
    for line in text.splitlines():
        stack, before, after = re.fullmatch(r"(.*?)(?: ([0-9]+))? ([0-9]+)", line).groups()
        frames = stack.translate(plain).split(";")
        for depth in range(len(frames) + 1):
            values[tuple(frames[:depth])] += int(after)
        # The difference colours the box where stacks end, not those below.
        deltas[tuple(frames)] += int(after) - int(before or after)
    for frames, value in values.items():
        boxes.append((frames[-1] if frames else "all", value, round(100 * deltas[frames] / values[()], 2)))
for name, value, delta in sorted(boxes):
    if value:
        print(name, value, f"{delta:+.2f}")
PY
draw()
{
	run perl "$flamegraph" --countname=bytes --minwidth=0 "$@"
	is "$status:$err" "0:" "flamegraph.pl takes every line"
	python3 boxes.py boxes out >drawn
}

for grown in 5 25; do
	ht --outfile=/dev/null --save=$grown.htrace "$GUESTS/viewed" $grown
	"$HT" report --format=json $grown.htrace >$grown.json
done
for metric in live:live_bytes at-peak:at_peak_bytes total:total_bytes; do
	run "$HT" export --format=collapsed --flame-graph="${metric%:*}" 5.htrace
	mv out collapsed
	python3 "$SOURCE/tests/lib/figures.py" stacks "${metric#*:}" 5.json >stacks
	sort collapsed >sorted
	sort stacks >figures; same figures sorted "${metric%:*}: the stacks are those of the JSON report"
	draw collapsed
	python3 boxes.py folded stacks >figures
	at_least "$(wc -l <figures)" 10 "${metric%:*}: boxes"
	same drawn figures "${metric%:*}: all boxes, with their bytes"
done
is "$(grep -c '^operator new\|^malloc' drawn)" 0 "no allocator on top"
like "$(cat drawn)" '^pool(int, std::pair(char, long) )::fill(unsigned long) 120 ' "names with spaces and commas"

run "$HT" diff --format=collapsed 5.htrace 25.htrace
mv out folded
is "$(grep -c -v ' [0-9][0-9]* [0-9][0-9]*$' folded)" 0 "a difference has two columns"
is "$(grep ';grow(int) ' folded | sed 's/.*) //')" "500 2500" "before and after"
draw folded
python3 boxes.py folded folded >figures
same drawn figures "differential: bytes after, and where it grew"
is "$(awk '/^grow\(int\)/ { print $2, substr($3, 1, 1), ($3 > 0) }' drawn)" "2500 + 1" "differential: what grew"
run "$HT" diff --format=collapsed 25.htrace 5.htrace
mv out folded
draw folded
is "$(awk '/^grow\(int\)/ { print $2, substr($3, 1, 1) }' drawn)" "500 -" "the other way round: what shrank"
draw --negate folded
is "$(awk '/^grow\(int\)/ { print $2 }' drawn)" 500 "--negate takes it too"
if command -v difffolded.pl >/dev/null; then
	for grown in 5 25; do "$HT" export --format=collapsed $grown.htrace >$grown.collapsed; done
	run difffolded.pl 5.collapsed 25.collapsed
	sort out >theirs
	"$HT" diff --format=collapsed 5.htrace 25.htrace | sort >ours; same ours theirs "as difffolded.pl makes it from two files"
else
	skip "as difffolded.pl makes it from two files" "difffolded.pl is missing"
fi

# A name that looks like a column, and one with the separator in it.
cp "$GUESTS/leak" 'a;b 12'
ht --format=collapsed './a;b 12' 3 100
mv out collapsed
draw collapsed
is "$(awk '/^a:b/ { print $(NF - 1) }' drawn)" 300 "a program's name with a number at its end is no column"

# Nothing live: no stacks, and flamegraph.pl says so itself.
ht --outfile=/dev/null --save=nothing.htrace true
run "$HT" export --format=collapsed nothing.htrace
is "$status:$(grep -c . out):$err" "0:0:" "nothing live: no lines"
run perl "$flamegraph" out
like "$err" 'No stack counts found' "flamegraph.pl says so"
done_testing
