#!/bin/sh
# SPDX-License-Identifier: MIT
# --depth: so many frames are kept; what was cut is marked. The sums stay whole.
. "${0%/*}/../lib/tap.sh"

cat >"$T/deep.c" <<'C'
#include <stdlib.h>
static int deep(int n) { if (n == 0) return malloc(100) != NULL; return deep(n - 1) + 1; }
int main(int argc, char **argv) { return deep(atoi(argv[1])) == 0; }
C
${CC:-gcc} -O0 -g -o "$T/deep" "$T/deep.c" || bail "compiled"
frames() { json '[.processes[0].backtraces[] | select(any(.frames[]; .function == "deep")) | "\(.frames | map(select(.inlined | not)) | length) \(.truncated)"] | join(",")'; }
ht_json "$T/deep" 50
is "$(json '[.processes[0].backtraces[].frames[] | select(.function == "deep")] | length')" 51 "51 frames of the recursion by default"
is "$(json '[.processes[0].backtraces[].truncated] | any')" false "not truncated"
for depth in 1 2 10; do
	ht_json --depth=$depth "$T/deep" 50
	is "$(json '.processes[0].backtraces | map(select(.truncated)) | map(.frames | length) | max')" $depth "--depth=$depth: $depth frames"
	is "$(json '[.processes[0].backtraces[] | .frames[0].function] | unique | join(" ")')" malloc "the first is the entry point"
	is "$(totals)" "1 0 100 1 100" "the sums are whole"
done
ht_json "$T/deep" 1000
is "$(json '[.processes[0].backtraces[] | .frames | length] | max')" 256 "256 is the most"
is "$(json '[.processes[0].backtraces[] | .truncated] | any')" true "truncated"
ht --color=never --depth=3 "$T/deep" 50
like "$err" '\[truncated\]' "the text report marks it"
is "$(printf '%s\n' "$err" | grep -c ' deep +')" 2 "three frames, of which one is malloc"
for bad in 0 257 -1 abc 1x ''; do
	ht --depth="$bad" "$T/deep" 1
	is "$status" 125 "--depth=$bad: 125"
	like "$err" 'depth' "and says which option"
done
done_testing
