#!/bin/sh
# SPDX-License-Identifier: MIT
# As PID 1 of a namespace: orphans are reaped, a death by signal becomes exit status 128 + n.
. "${0%/*}/../lib/tap.sh"
run unshare -rpf --mount-proc true
[ "$status" -eq 0 ] || skip_all "no pid namespaces here"

run unshare -rpf --mount-proc "$HT" --format=json --outfile="$T/json" sh -c '(sleep 0.1 & ) ; exit 5'
is "$status" 5 "exit status"
run unshare -rpf --mount-proc "$HT" --format=json --outfile="$T/json" sh -c 'kill -TERM $$'
is "$status" 143 "death by SIGTERM: 143"
run unshare -rpf --mount-proc "$HT" --format=json --outfile="$T/json" "$GUESTS/ends-sigkill"
is "$status" 137 "death by SIGKILL: 137"
is "$(totals)" "10 0 1100 10 1100" "with an exact report"
done_testing
