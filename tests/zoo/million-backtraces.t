#!/bin/sh
# SPDX-License-Identifier: MIT
# A million distinct backtraces, exact, and without a report that nobody could read.
. "${0%/*}/../lib/zoo.sh"

run "$GUESTS/edges-many-backtraces"
is "$status" 0 "untraced"
ht --color=never --no-lines --top=3 "$GUESTS/edges-many-backtraces"
is "$status" 0 "status"
like "$err" 'num of backtrace : 1000000$' "a million backtraces"
like "$err" 'allocation size  : 8\.000 MB$' "eight million bytes"
unlike "$err" 'not seen' "nothing was missed"
done_testing
