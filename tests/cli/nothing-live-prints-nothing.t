#!/bin/sh
# SPDX-License-Identifier: MIT
# A program that frees all: no text, unless -v, a terminal, or a key of the past is asked for.
. "${0%/*}/../lib/tap.sh"

cat >"$T/clean.c" <<'C'
#include <stdlib.h>
int main(void) { for (int i = 0; i < 1011; i++) { char *volatile p = malloc(i == 7 ? 5141 : 10); free(p); } return 0; }
C
${CC:-gcc} -fno-builtin -o "$T/clean" "$T/clean.c" || bail "compiled"

ht "$T/clean"
is "$status:$out:$err" "0::" "nothing at all"
ht -v "$T/clean"
like "$err" '^\[heaptrace\] nothing live: 1011 allocations, peak 5\.141 KB$' "-v: one line"
if command -v script >/dev/null; then
	run script -qec "$HT $T/clean" /dev/null
	like "$out" 'nothing live: 1011 allocations, peak 5\.141 KB' "on a terminal: one line"
else
	skip "on a terminal: one line" "script(1) is missing"
fi
ht_json "$T/clean"
is "$(totals)" "1011 1011 15241 0 0" "json always prints"
ht --sort=total --color=never "$T/clean"
like "$err" 'sorted by total' "--sort=total always prints"
ht --sort=peak --color=never "$T/clean"
like "$err" 'sorted by peak' "--sort=peak always prints"
ht --flame-graph=total "$T/clean"
like "$out" '^clean;.*main 15241$' "collapsed by total"
ht --flame-graph "$T/clean"
is "$out" "" "collapsed by live: nothing"
done_testing
