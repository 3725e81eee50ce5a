#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace sh -c './a | ./b': each image one whole report, the shell's output as ever, statuses kept.
. "${0%/*}/../lib/tap.sh"
cd "$GUESTS" || exit 1

summary() { sed -n -e 's,.*dump allocation status for /proc/[0-9]*/maps (\(.*\)) sorted.*,\1,p' -e 's/.*allocation size  : //p' | paste - - | sort; }
run env "$HT" --color=never sh -c './produce | ./consume'
is "$status:$out" "0:3 lines" "the pipeline's own output"
is "$(printf '%s\n' "$err" | summary | grep -v '^sh')" "consume	14 bytes
produce	300 bytes" "a report of each program"
is "$(printf '%s\n' "$err" | grep -v '^sh' | grep -c '^\[heaptrace\] finalized')" "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] dump')" "whole reports"
in_order=$(printf '%s\n' "$err" | sed -n 's,^\[heaptrace\] \(initialized\|finalized\|dump allocation status\) for /proc/\([0-9]*\)/.*,\1 \2,p' |
	awk '{ key = $NF; if (NR % 3 == 1) pid = key; else if (key != pid) bad = 1 } END { print bad ? "mixed" : "in order" }')
is "$in_order" "in order" "never interleaved"

ht_json sh -c './produce | ./consume; ./produce >/dev/null; exit 4'
is "$status" 4 "the shell's status"
is "$(json '[.processes[] | select(.command[0] | startswith("./")) | "\(.command[0]) \(.totals.live_blocks) \(.totals.live_bytes)"] | sort | join(",")')" \
	"./consume 3 14,./produce 3 300,./produce 3 300" "three images in one document"

ht --flame-graph sh -c './produce | ./consume'
is "$(printf '%s\n' "$out" | sed -n 's/^\(produce\|consume\);.*;leak \(.*\)/\1 \2/p' | sort)" "consume 14
produce 300" "collapsed: one document"
like "$err" '^3 lines$' "the program's output on stderr"
done_testing
