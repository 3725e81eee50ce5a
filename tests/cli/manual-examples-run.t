#!/bin/sh
# SPDX-License-Identifier: MIT
# The examples of heaptrace(3) compile as they stand there, run, traced and not, and show what they are there to show. So do
# those of tests/examples.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

page=$SOURCE/tools/man/heaptrace.3
# example FILE: the display after the comment that names it, as it is shown
example()
{
	awk -v file="$1" '$0 == ".\\\" Example " file { found = 1; next } found && /^\.Bd/ { inside = 1; next }
		inside && /^\.Ed/ { exit } inside { gsub(/\\e/, "\\"); print }' "$page" >"$1"
	[ -s "$1" ]
	ok $? "the manual has $1"
}
compiled()
{
	for compiler in "${CC:-gcc} -std=gnu99" "${CC:-gcc} -std=gnu11" "${CXX:-g++} -std=gnu++17 -x c++ -fpermissive -w"; do
		# Words on purpose.
		# shellcheck disable=SC2086
		$compiler -Wall -Wextra -Werror -g -O1 -fno-builtin -I "$SOURCE/include" -o "${1%.c}" "$1" -ldl || return
	done
	# shellcheck disable=SC2086
	${CC:-gcc} -std=gnu11 -Wall -Wextra -Werror -g -O1 -fno-builtin -I "$SOURCE/include" -o "${1%.c}" "$1" -ldl
}
is "$(grep -c '^\.\\" Example ' "$page")" "$(grep -c '^\.Bd' "$page")" "each display of the manual is one of the examples"

for name in growth esp tracker; do
	example $name.c
	compiled $name.c
	ok $? "$name.c compiles as C and C++, without a warning"
	run ./$name
	is "$status" 0 "$name runs untraced"
done
ht -q --outfile=report.txt ./growth
is "$status" 0 "growth runs traced"
like "$out" '300 bytes\|+300' "and shows the 300 bytes that have grown" || diag "$out"
like "$out" 'handle_request' "with the function that keeps them"
like "$out" '^[4-9] blocks are live$' "and counts blocks"
ht -q --outfile=report.txt ./esp
like "$out" '^    25 bytes (@ 0x[0-9a-f]*, Internal) allocated CPU [0-9]* ccount 0x[0-9a-f]* caller 0x' "esp shows the name that nobody frees"
like "$out" "^25 bytes 'leaked' in trace (1 allocations)$" "and nothing else"
ht -q --outfile=report.txt ./tracker
is "$status" 0 "tracker runs traced"
like "$out" '^Total leaks: 1 allocations, 84 bytes (0.08 KB)$' "and shows the session"
like "$out" '^--- 0x[0-9a-f]*: handle_connection at tracker.c:8$' "with its line"

example leak.lua
if command -v lua5.4 >/dev/null && [ -e "$BUILD/lua/heaptrace.so" ]; then
	for how in "" "$HT -q --outfile=report.txt"; do
		# shellcheck disable=SC2086
		run env LUA_CPATH="$BUILD/lua/?.so" $how lua5.4 leak.lua
		is "$status" 0 "leak.lua runs${how:+ traced}" || diag "$err"
		is "$(grep -c ' caller leak.lua:8$' out)" 3 "and shows the three entries"
	done
else
	skip "leak.lua runs" "lua5.4 or the module is missing"
fi

# Strict programs include the headers too.
for header in heaptrace.h heaptrace/esp_heap_trace.h heaptrace/leak_tracker.h heaptrace/memory_tracker.hpp; do
	echo "#include <$header>" >header.c
	for compiler in "${CC:-gcc} -std=c99" "${CXX:-g++} -std=c++11 -x c++"; do
		case $header$compiler in *.hpp*c99) continue;; esac
		# shellcheck disable=SC2086
		run $compiler -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -I "$SOURCE/include" header.c
		is "$status:$err" 0: "$header: no warning with ${compiler#* }"
	done
done

# The manual has every function, and no other.
for header in heaptrace.h heaptrace/esp_heap_trace.h heaptrace/leak_tracker.h; do
	sed -n 's/^static inline .*[ *]\([a-z][a-z0-9_]*[a-z0-9]\)(.*/\1/p; s/^#define \(leak_tracker[a-z_]*\|print_[a-z_]*\)(.*/\1/p' "$SOURCE/include/$header"
done | grep -v '^esp_err_to_name$' | sort -u >functions
sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Fn \([a-z0-9_]*\).*/\1/p' "$page" | sort -u >documented
at_least "$(wc -l <functions)" 30 "the headers have functions"
same functions documented "which are those of the synopsis"
sed '1,/^\.Sh DESCRIPTION/d' "$page" | sed -n 's/^\.Fn \([a-z0-9_]*\).*/\1/p; s/^\.It Fn \(.*\)/\1/p' | tr -s ' ,' '\n\n' | sort -u >described
is "$(comm -23 functions described)" "" "and each is described"
sed -n 's/.*{ "\([a-z_]*\)", [a-z_]* }.*/&/p' "$SOURCE/tools/lua/heaptrace.c" | grep -o '{ "[a-z_]*"' | tr -d '{ "' | sort -u >functions
grep -o 'heaptrace\.[a-z_]*(' "$page" | sed 's/heaptrace\.\(.*\)(/\1/' | sort -u >described
at_least "$(wc -l <functions)" 13 "the Lua module has functions"
same functions described "which the manual has"
done_testing
