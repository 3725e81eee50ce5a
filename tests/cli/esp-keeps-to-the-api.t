#!/bin/sh
# SPDX-License-Identifier: MIT
# heap_trace as ESP-IDF documents it: programs that check states, codes and records themselves, and speak TAP.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

for program in esp-states esp-records esp-operators esp-hooks esp-threads esp-depth-0 esp-depth-2 esp-depth-16 esp-depth-32; do
	ht -q --outfile=report "$GUESTS/$program"
	is "$status" 0 "$program runs"
	is "$(grep -v -e '^ok' out | sed '/^1\.\./q')" "1..$(grep -c '^ok' out)" "$program: all is as promised"
	same err /dev/null "$program: nothing on stderr"
	case $program in
	esp-depth-0) unlike "$(sed -n '/^===/,/^=====*$/p' out)" 'caller' "no callers at depth 0";;
	esp-depth-*)
		is "$(sed -n '/^===/,/^=====*$/s/.* caller //p' out | awk -F: '{ print NF }' | sort -u)" "${program#esp-depth-}" \
			"as many frames in the dump";;
	esp-states) run env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_SAVE="$T/%p.htrace" "$GUESTS/$program"
		is "$status:$(grep -c '^not ok' out)" 0:0 "$program: also without a collector";;
	esac
done

ht -q --outfile=report "$GUESTS/esp-caged"
is "$status:$(grep -c '^    20 bytes (@ 0x[0-9a-f]*) allocated CPU' out):$(tail -n 1 out)" 0:3:stopped "in a seccomp cage, dumps and all"
unlike "$out" '^wrong' "with the right records"
done_testing
