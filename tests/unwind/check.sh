#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Compare every backtrace of some programs with libunwind's: check.sh short|full. Needs BUILD, the build directory, with
# check/libheaptrace.so in it. Prints TAP.
#
# short: the bench's driver and the hostile program, as gcc builds them. full: the same at -O0 and -O2, with and without
# frame pointers, by gcc and clang, and real programs.

here=$(dirname "$0")
build=${BUILD:?the build directory}
library=$build/check/libheaptrace.so
directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
number=0
failed=0

ok() { number=$((number + 1)); echo "ok $number - $1"; }
not_ok() { number=$((number + 1)); failed=1; echo "not ok $number - $1"; }

# compare NAME MINIMUM PROGRAM ARGS...: at least MINIMUM backtraces of it, none of them different.
compare() {
	name=$1 minimum=$2
	shift 2
	rm -f "$directory/log" "$directory"/save.*
	env LD_PRELOAD="$library" HEAPTRACE_CHECK="$directory/log" HEAPTRACE_SAVE="$directory/save.%p" \
		"$@" >"$directory/out" 2>"$directory/err" </dev/null
	if [ ! -s "$directory/log" ]; then
		not_ok "$name: was compared at all ($(head -c 200 "$directory/err"))"
		return
	fi
	result=$(awk '/ compared, / { c += $2; f += $4; m += $6; t += $8 } END { print c, m, t + 0, f }' "$directory/log")
	# shellcheck disable=SC2086
	set -- $result
	if [ "$2" -eq 0 ] && [ "$1" -ge "$minimum" ] && [ $(($3 * 1000)) -le "$1" ]; then
		ok "$name: $1 backtraces, $4 frames, 0 mismatches, $3 cut short"
	else
		not_ok "$name: $1 backtraces (at least $minimum), $2 mismatches, $3 cut short"
		grep -A 30 mismatch "$directory/log" | head -n 40 | sed 's/^/# /'
	fi
	rm -f "$directory"/save.*
}

build_one() { # COMPILER LANGUAGE SOURCE FLAGS...
	with=$1 source=$2
	shift 2
	"$with" -g -w -pthread "$@" -o "$directory/program" "$source"
}

drivers() { # LABEL
	for mode in "dfs -d 5" "dfs -d 15" "flat -d 15" "leaf -d 40" "flat -d 40" "dfs -d 150" "cross -t 2" "dfs -t 4 -d 15"; do
		# shellcheck disable=SC2086
		compare "driver $mode $1" 20000 "$directory/program" $mode -n 20000
	done
}

if ! [ -e "$library" ]; then
	echo "1..0 # SKIP no checking build: libunwind-dev is missing"
	exit 0
fi
case ${1:-short} in
short)
	build_one "${CC:-gcc}" "$here/../bench/driver.c" -O2
	drivers -O2
	for flags in "-O0" "-O2" "-O2 -fno-omit-frame-pointer"; do
		# shellcheck disable=SC2086
		build_one "${CXX:-g++}" "$here/hostile.cc" $flags
		compare "hostile $flags" 40000 "$directory/program"
	done
	;;
full)
	for compiler in gcc clang; do
		for flags in "-O0" "-O2" "-O2 -fno-omit-frame-pointer" "-O3 -march=haswell"; do
			# shellcheck disable=SC2086
			build_one "$compiler" "$here/../bench/driver.c" $flags && drivers "$compiler $flags"
			cxx=g++
			[ "$compiler" = clang ] && cxx=clang++
			# shellcheck disable=SC2086
			build_one "$cxx" "$here/hostile.cc" $flags
			compare "hostile $cxx $flags" 40000 "$directory/program"
		done
	done
	printf '#include <map>\n#include <string>\n#include <regex>\nint main(){std::regex r("a+b");return std::regex_match("aab",r);}\n' \
		>"$directory/program.cc"
	seq 1 20000 | sed 's,.*,<b x="&">t</b>,' | { echo '<a>'; cat; echo '</a>'; } >"$directory/program.xml"
	compare perl 40000 perl -e 'my %h; $h{$_}=[1..10] for 1..20000;'
	compare python3 70000 env PYTHONMALLOC=malloc /usr/bin/python3 -c \
		'import json,re,decimal; json.loads(json.dumps({str(i):i for i in range(3000)}))'
	compare sqlite3 20000 sqlite3 :memory: 'create table t(a,b); with recursive c(x) as (select 1 union all select x+1
		from c where x<20000) insert into t select x, x*2 from c; select sum(b) from t group by a%7;'
	compare cc1plus 500000 g++ -O1 -c "$directory/program.cc" -o "$directory/program.o"
	compare xmllint 50000 xmllint --noout "$directory/program.xml"
	compare jq 50000 jq -n '[range(20000)]|map(tostring)|length'
	compare git 300 git --help -a
	compare node 100000 node -e 'JSON.parse(JSON.stringify([...Array(10000).keys()]))'
	compare ruby 20000 ruby -e 'p (1..1000).map(&:to_s).size'
	compare php 20000 php -r 'echo strlen(json_encode(range(1,10000)));'
	;;
esac
echo "1..$number"
exit "$failed"
