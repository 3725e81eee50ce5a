#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace heaptrace program: the program is traced, statuses are kept, nothing hangs.
. "${0%/*}/../lib/tap.sh"
! sanitized || skip_all "the address sanitizer can not be preloaded"

ht --format=json --outfile="$T/outer" "$HT" --format=json --outfile="$T/inner" "$GUESTS/leak" 10 110 3
is "$status" 3 "status"
is "$(totals "$T/inner")" "10 0 1100 10 1100" "the inner run's report is exact"
jq -e .processes "$T/outer" >/dev/null
ok $? "the outer one's is a report"
done_testing
