#!/bin/sh
# SPDX-License-Identifier: MIT
# --sort: each key puts another place first; two keys make two sections; --top cuts text only.
. "${0%/*}/../lib/tap.sh"

first() { printf '%s\n' "$err" | sed -n '/=== backtrace #1 ===/,/^$/p' | sed -n 's/.*\] \(few_large\|many_small\|passing\|churning\|oldest\) +.*/\1/p'; }
for pair in size:few_large count:many_small peak:passing at-peak:passing total:churning allocs:churning age:oldest; do
	ht --color=never --sort="${pair%:*}" "$GUESTS/sorting"
	is "$(first)" "${pair#*:}" "--sort=${pair%:*}"
	like "$err" "(sorting) sorted by ${pair%:*}\$" "the header says so"
done
ht --color=never "$GUESTS/sorting"
is "$(first)" few_large "size is the default"
ht --color=never -s count "$GUESTS/sorting"
is "$(first)" many_small "-s count"
ht --color=never -scount "$GUESTS/sorting"
is "$(first)" many_small "-scount"
ht --color=never --sort count "$GUESTS/sorting"
is "$(first)" many_small "--sort count, in two words"
ht --color=never --sort=size,count "$GUESTS/sorting"
is "$(printf '%s\n' "$err" | sed -n 's/.*sorted by //p' | tr '\n' ' ')" "size count " "two keys, two sections"
for top in 1 2; do
	ht --color=never --top=$top "$GUESTS/sorting"
	is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" $top "--top=$top"
	like "$err" 'num of backtrace : 3' "the summary counts all live ones"
done
ht --color=never --top=0 --sort=total "$GUESTS/sorting"
is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" 5 "--top=0 shows all"
ht_json --top=1 "$GUESTS/sorting"
is "$(json '.processes[0].backtraces | length')" 5 "json holds all"
is "$(json '[.processes[0].backtraces[] | .at_peak_bytes] | add')" 59010 "at-peak bytes sum up to the peak"
is "$(json '.processes[0].backtraces[] | select(any(.frames[]; .function == "passing")) | "\(.peak_bytes) \(.at_peak_bytes) \(.at_peak_blocks) \(.live_bytes)"')" \
	"50000 50000 1 0" "peak and at-peak of what was freed"
is "$(json '.processes[0].backtraces[] | select(any(.frames[]; .function == "churning")) | "\(.peak_bytes) \(.at_peak_bytes) \(.total_blocks)"')" \
	"30 0 3000" "peak of what came and went"
cat >"$T/many.c" <<'C'
#include <stdlib.h>
#define F(n) static void f##n(void) { if (!malloc(n)) abort(); }
F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11) F(12)
int main(void) { f1(); f2(); f3(); f4(); f5(); f6(); f7(); f8(); f9(); f10(); f11(); f12(); return 0; }
C
${CC:-gcc} -fno-builtin -o "$T/many" "$T/many.c" || bail "compiled"
ht --color=never "$T/many"
is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" 10 "10 are shown by default"
is "$(printf '%s\n' "$err" | sed -n 's/.*\[size\/peak: \([0-9]*\) bytes.*/\1/p' | tr '\n' ' ')" "12 11 10 9 8 7 6 5 4 3 " "the largest first"
done_testing
