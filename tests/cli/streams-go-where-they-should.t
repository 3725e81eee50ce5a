#!/bin/sh
# SPDX-License-Identifier: MIT
# Text to stderr, formats to stdout with the program's own stdout on stderr, --outfile leaves the streams alone.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

printf 'echo to stdout; echo to stderr >&2; exec "$1" 2 20\n' >"$T/script.sh"
talk() { ht "$@" sh "$T/script.sh" "$GUESTS/leak"; }
talk
is "$out" "to stdout" "text: stdout is the program's"
like "$err" '^to stderr$' "text: stderr has the program's"
like "$err" '^=== backtrace' "and the report"
talk --outfile="$T/file"
is "$out|$err" "to stdout|to stderr" "--outfile leaves both alone"
grep -q '^=== backtrace' "$T/file"
ok $? "the report is in the file"
talk --outfile=-
like "$out" '^=== backtrace' "--outfile=-: the report on stdout"
like "$out" '^to stdout$' "and the program's stdout too"
is "$err" "to stderr" "stderr is the program's"
talk --format=json
is "$(jq '.processes | length' "$T/out")" 2 "json on stdout and nothing else"
like "$err" '^to stdout$' "the program's stdout went to stderr"
talk --flame-graph
unlike "$out" 'to stdout' "collapsed: nothing but stacks on stdout"
like "$err" '^to stdout$' "the program's stdout went to stderr"
talk --format=json --outfile="$T/file.json"
is "$out|$err" "to stdout|to stderr" "json to a file leaves both alone"
run sh -c '"$HT" --flame-graph "$GUESTS/leak" 2 20 | cat >"$T/piped"'
like "$(cat "$T/piped")" 'leak 40$' "a pipe to the flame graph's renderer"
run sh -c '"$HT" "$GUESTS/leak" >&-'
is "$status" 0 "stdout closed: the program's status"
like "$err" '=== backtrace' "and the report"
run sh -c '"$HT" --format=json "$GUESTS/leak" >&-'
is "$status" 125 "stdout closed, and the report should go there: refused"
like "$err" 'standard output is closed.*--outfile=FILE' "with the reason and the remedy"
run sh -c '"$HT" "$GUESTS/leak" 2>&-'
is "$status" 0 "stderr closed: the program's status"
run sh -c '"$HT" --outfile="$T/closed" "$GUESTS/leak" <&- >&- 2>&-'
is "$status" 0 "all three closed"
like "$(cat "$T/closed")" '=== backtrace' "and the report is in the file"
"$HT" -q --save="$T/kept.htrace" --outfile=/dev/null "$GUESTS/leak"
run sh -c '"$HT" report "$T/kept.htrace" >&-'
is "$status" 125 "a report for a closed stdout: 125"
like "$err" 'closed' "says why"
run "$HT" report --outfile=/nonexistent/x "$T/kept.htrace"
like "$err" ' --outfile=/nonexistent/x' "the option as it was given"
run "$HT" ''
is "$status" 127 "an empty program name: 127"
like "$err" 'empty' "says so"
# Without stderr nobody would see a text report: a snapshot is kept in its place.
mkdir "$T/unseen" && cd "$T/unseen" || bail "a directory"
run sh -c '"$HT" "$GUESTS/leak" 10 110 3 2>&-'
is "$status" 3 "stderr is closed: status"
file=$(ls)
like "$file" '^heaptrace\.leak\.[0-9]*\.htrace$' "a snapshot"
run "$HT" report --format=json "$file"
is "$(json '.processes[0].totals.live_bytes' "$T/out")" 1100 "with the figures"
rm -f "$file"
run sh -c '"$HT" --outfile=report "$GUESTS/leak" 10 110 3 2>&-'
is "$(ls)" report "none where the report has a file"
done_testing
