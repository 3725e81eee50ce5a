#!/bin/sh
# SPDX-License-Identifier: MIT
# Instructions that tracing adds to a malloc and free pair, by driver:
#
#	instructions.sh BUILD
#
# Counted by callgrind, so that the figure is the same on every machine, busy or not. Two runs of different length are
# subtracted, so that the start costs nothing; and the same without the tracer, so that the driver and libc cost nothing.
# What is counted depends on the compiler: the first line names it.
set -e
build=$1
T=$(mktemp -d "${TMPDIR:-/tmp}/ht-ir-XXXXXX")
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM

SHORT=20000
LONG=40000

# instructions PRELOAD PAIRS DRIVER-ARGUMENTS...: of a whole run. The environment is of the same size each time: where the
# stack lies decides about collisions in hash tables.
instructions()
{
	preload=$1
	pairs=$2
	shift 2
	env -i PATH=/usr/bin:/bin ${preload:+"LD_PRELOAD=$preload" "HEAPTRACE_SAVE=$T/%p.htrace"} valgrind --tool=callgrind \
		--callgrind-out-file="$T/out" "$build/bench/driver" "$@" -n "$pairs" -w 20000 >"$T/stdout" 2>"$T/stderr" || {
		cat "$T/stderr" >&2
		exit 1
	}
	sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$T/stderr"
	rm -f "$T"/*.htrace
}

printf '# %s %s\n' "$(readelf -p .comment "$build/libheaptrace.so" | sed -n 's/^ *\[ *0\] *//p')" \
	"$(readelf --debug-dump=info "$build/libheaptrace.so" | grep -m 1 DW_AT_producer | grep -o -e ' -O[^ ]*' | tail -n 1 | tr -d ' ')"
for driver in 'dfs -d 5' 'dfs -d 15' 'dfs -d 40' 'flat -d 15'; do
	# shellcheck disable=SC2086
	added=$((($(instructions "$build/libheaptrace.so" $LONG $driver) - $(instructions "$build/libheaptrace.so" $SHORT $driver) -
		$(instructions '' $LONG $driver) + $(instructions '' $SHORT $driver)) / (LONG - SHORT)))
	printf '%s %s\n' "$(printf %s "$driver" | tr -d ' ')" "$added"
done
