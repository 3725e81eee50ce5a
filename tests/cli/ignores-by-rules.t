#!/bin/sh
# SPDX-License-Identifier: MIT
# --ignore: substrings and leak: patterns, against function, file and module; the totals shrink and one line says so.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

printf '# a comment\n\nfew_large\n' >rules
ht --color=never --ignore=rules "$GUESTS/sorting"
is "$status" 0 "status"
unlike "$err" 'few_large +' "a plain substring of a function"
like "$err" 'heap traced allocation size  : 1\.010 KB' "the totals are without it"
like "$err" 'num of backtrace : 2' "so is the count"
like "$err" '^\[heaptrace\].*ignored.*8\.000 KB' "one line sums up what was ignored"
printf 'leak:many_*\nnever_matches\n' >rules
ht --color=never -v --ignore=rules --format=text "$GUESTS/sorting"
unlike "$err" 'many_small +' "a leak: pattern as LeakSanitizer's"
like "$err" 'never_matches' "-v names the unused rule"
ht --color=never --ignore=rules "$GUESTS/sorting"
unlike "$err" 'never_matches' "without -v it does not"
printf 'leak:few_large$\nleak:^many\n' >rules
ht --color=never --ignore=rules "$GUESTS/sorting"
is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" 1 "anchors ^ and \$"
printf 'leak:few$\n' >rules
ht --color=never --ignore=rules "$GUESTS/sorting"
is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" 3 "an anchor that does not match"
printf '/guests/sorting\n' >rules
ht --color=never --ignore=rules --sort=total "$GUESTS/sorting"
unlike "$err" '=== backtrace' "a module"
ht --format=json --ignore=rules "$GUESTS/sorting"
is "$(jq '.processes[0].totals.live_bytes' out)" 0 "json totals are without it"
is "$(jq '[.processes[0].backtraces[] | select(any(.frames[]; .function == "leak"))] | length' out)" 0 "json leaves it out"
printf 'few_large\n' >rules
ht --flame-graph --ignore=rules "$GUESTS/sorting"
is "$(printf '%s\n' "$out" | grep -c few_large)" 0 "collapsed leaves it out"
printf 'few_large\r\nmany_small' >rules
ht --color=never --ignore=rules "$GUESTS/sorting"
is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" 1 "CRLF, and no newline at the end"
: >rules
ht --color=never --ignore=rules "$GUESTS/sorting"
is "$(printf '%s\n' "$err" | grep -c '=== backtrace')" 3 "an empty file"
ht --ignore="$T/missing" "$GUESTS/sorting"
is "$status" 125 "a missing file: 125"
like "$err" "$T/missing" "named"
unlike "$err" '=== backtrace' "before the program starts"
mkdir directory
ht --ignore=directory "$GUESTS/sorting"
is "$status" 125 "a directory: 125"
done_testing
