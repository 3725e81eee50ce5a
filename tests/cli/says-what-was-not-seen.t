#!/bin/sh
# SPDX-License-Identifier: MIT
# "not seen" lines: one for each kind of thing that was missed, only when there was any.
. "${0%/*}/../lib/tap.sh"

ht --color=never "$GUESTS/leak"
unlike "$err" 'not seen' "nothing missed, nothing said"
ht --color=never "$GUESTS/fork"
is "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] not seen: 2 .*parent')" 1 "frees of inherited blocks"
ht --color=never "$GUESTS/signals-own-handlers"
is "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] not seen: .*signal')" 1 "a dump signal that the program took"
ht --color=never --signals=none "$GUESTS/signals-own-handlers"
unlike "$err" 'not seen' "unless there are no dump signals"
ht --color=never sh -c "env -u LD_PRELOAD '$GUESTS/leak'; :"
is "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] not seen: child [0-9]*: ')" 1 "a child without us"
ht_json sh -c "env -u LD_PRELOAD '$GUESTS/leak'; :"
is "$(json '[.processes[].unseen.untraced_children[] | (.pid | type), (.reason | type)] | unique | join(" ")')" "number string" "json names its pid and the reason"
done_testing
