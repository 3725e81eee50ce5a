#!/bin/sh
# SPDX-License-Identifier: MIT
# "not seen" lines: one for each kind of thing that was missed, only when there was any.
. "${0%/*}/../lib/tap.sh"

ht --color=never "$GUESTS/leak"
unlike "$err" 'not seen' "nothing missed, nothing said"
ht --color=never "$GUESTS/fork"
is "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] not seen: 2 .*parent')" 1 "frees of inherited blocks"
cat >"$T/one.c" <<'C'
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
int main(void) { void *p = malloc(5); if (!fork()) { free(p); _exit(malloc(6) == NULL); } wait(NULL); return 0; }
C
${CC:-gcc} -fno-builtin -w -o "$T/one" "$T/one.c" || bail "compiled"
ht --color=never "$T/one"
like "$err" 'not seen: 1 block from before' "one block is one block"
ht --color=never "$GUESTS/signals-own-handlers"
is "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] not seen: .*signal')" 1 "a dump signal that the program took"
ht --color=never --signals=none "$GUESTS/signals-own-handlers"
unlike "$err" 'not seen' "unless there are no dump signals"
ht --color=never sh -c "env -u LD_PRELOAD '$GUESTS/leak'; :"
is "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] not seen: child [0-9]*: ')" 1 "a child without us"
ht_json sh -c "env -u LD_PRELOAD '$GUESTS/leak'; :"
is "$(json '[.processes[].unseen.untraced_children[] | (.pid | type), (.reason | type)] | unique | join(" ")')" "number string" "json names its pid and the reason"
done_testing
