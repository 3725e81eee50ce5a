#!/bin/sh
# SPDX-License-Identifier: MIT
# Constructors of libraries are called from ld.so's entry, which has no unwind information: their backtraces are whole.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
cat >early.c <<'C'
#include <stdlib.h>
void *kept;
__attribute__((constructor)) static void early(void) { kept = malloc(77); }
C
${CC:-gcc} -shared -fPIC -fno-builtin -g -o libearly.so early.c || bail "a library was built"
run env LD_PRELOAD="$T/libearly.so" "$HT" --format=json --outfile="$T/json" /bin/true
is "$(json '[.processes[0].backtraces[] | select(any(.frames[]; .function == "early")) | .live_bytes, .truncated] | map(tostring) | join(" ")' "$T/json")" \
	"77 false" "the block is there, and its backtrace is not truncated"
like "$(json '[.processes[0].backtraces[] | select(any(.frames[]; .function == "early")) | .frames[-1].module] | .[0]' "$T/json")" \
	'/ld-linux' "it ends in the loader"
done_testing
