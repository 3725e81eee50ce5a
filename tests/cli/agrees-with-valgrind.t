#!/bin/sh
# SPDX-License-Identifier: MIT
# A second oracle: valgrind's totals of programs that do not depend on their environment.
. "${0%/*}/../lib/tap.sh"
command -v valgrind >/dev/null || skip_all "valgrind is missing"
cd "$T" || exit 1

# (valgrind does not know pvalloc and reallocarray, and counts a realloc that fails.)
for guest in sorting operators peaks peaks-realloc containers exceptions zero-sizes; do
	run valgrind --run-libc-freeres=no --run-cxx-freeres=no "$GUESTS/$guest"
	theirs=$(tr -d , <err | sed -n 's/.*total heap usage: \([0-9]*\) allocs \([0-9]*\) frees.*/\1 \2/p; s/.*in use at exit: \([0-9]*\) bytes in \([0-9]*\) blocks.*/\2 \1/p' | sort -n | tr '\n' ' ')
	ht_json "$GUESTS/$guest"
	ours=$(totals | awk '{ print $1, $2; print $4, $5 }' | sort -n | tr '\n' ' ')
	is "$ours" "$theirs" "$guest: allocations and frees, live blocks and bytes"
done
done_testing
