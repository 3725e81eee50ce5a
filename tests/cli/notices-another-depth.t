#!/bin/sh
# SPDX-License-Identifier: MIT
# make DEPTH=30 after a make without: what holds the depth is made anew, and only then.
. "${0%/*}/../lib/tap.sh"

command -v make >/dev/null || skip_all "make is missing"
objects="$T/o/src/process.o $T/o/src/rendezvous.o $T/o/tools/options.o"
# shellcheck disable=SC2086
build() { run env -u MAKEFLAGS -u MAKELEVEL make -C "$SOURCE" O="$T/o" "$@" $objects; }

build
is "$status" 0 "builds"
is "$(cat "$T/o/depth")" 256 "the default"
mkdir "$T/first"
cp -p "$T/o/src/process.o" "$T/o/src/rendezvous.o" "$T/o/tools/options.o" "$T/first"
build DEPTH=30
is "$status" 0 "builds with another depth"
for object in src/process.o src/rendezvous.o tools/options.o; do
	ok "$(! cmp -s "$T/o/$object" "$T/first/${object#*/}"; echo $?)" "$object has it"
done
touch "$T/now"
build DEPTH=30
is "$(find "$T/o" -name '*.o' -newer "$T/now")" "" "the same again: nothing is made"
build
is "$(cat "$T/o/depth")$(find "$T/o" -name '*.o' -newer "$T/now")" 30 "it stays what it was, for make install"
build DEPTH=256
ok "$(cmp -s "$T/o/src/process.o" "$T/first/process.o"; echo $?)" "the default again, when it is asked for"
build DEPTH=0
ok "$([ "$status" -ne 0 ]; echo $?)" "a depth that cannot be is refused"
like "$err" 'DEPTH=0: it takes a number of frames, from 1 to 256' "and said so"
build
is "$status" 0 "which is forgotten"
done_testing
