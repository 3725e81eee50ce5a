#!/bin/sh
# SPDX-License-Identifier: MIT
# The collector of a program that works on and on stays as large as it was once its slices have been thinned, and writes
# nothing to disk until it is asked to.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# thinned TIMES: one of 2^TIMES slices is kept
thinned()
{
	"$HT" dump --outfile=/dev/null --save=now.htrace "$program" 2>/dev/null &&
		"$HT" report --slices --format=json now.htrace | jq -e --argjson times "$1" '.kept_ns / .interval_ns >= pow(2; $times)'
}
size_of() { sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$1/status"; }

serve --interval=10ms --outfile=end --save=end.htrace "$GUESTS/churns"
collector=$(collector "$pid")
[ -n "$collector" ] || bail "found the collector"
wait_until 600 thinned 2
ok $? "slices have been thinned twice"
before=$(size_of "$collector")
wait_until 600 thinned 4
ok $? "and four times"
after=$(size_of "$collector")
diag "the collector's memory: $before kB, then $after kB"
at_least $((before + 768)) "$after" "that takes no more memory than before"
at_least 256 "$("$HT" report --slices --format=json now.htrace | jq '.slices[1:-1] | length')" "no more slices than there may be"
is "$(find . -name 'end*')" "" "nothing is written while it runs"
size=$(stat -c %s now.htrace)
at_least 4000000 "$size" "the snapshot is small: $size bytes"
exec 9>&-
wait $pid
ok $? "it ends"
ok "$(test -s end.htrace; echo $?)" "now there is a snapshot"
done_testing
