#!/bin/sh
# SPDX-License-Identifier: MIT
# --ignore reads valgrind's suppressions: what memcheck itself generates for a leak makes us ignore the same leak.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

live()
{
	ht --format=json --ignore="$1" "$2"
	json '.processes[0].totals.live_bytes' out
}
# Of main() alone: the C++ library holds a pool of its own.
live_of_main()
{
	ht --format=json --ignore="$1" "$2"
	json '[.processes[0].backtraces[] | select(any(.frames[]; .function == "main")) | .live_bytes] | add // 0' out
}
suppression() { printf '{\n   %s\n   %s\n' "$1" "$2"; shift 2; printf '   %s\n' "$@"; printf '}\n'; }
suppression few Memcheck:Leak 'match-leak-kinds: definite' fun:malloc fun:leak fun:few_large fun:main >rules
is "$(live rules "$GUESTS/sorting")" 1010 "a whole stack"
suppression few Memcheck:Leak fun:malloc ... fun:few_large >rules
is "$(live rules "$GUESTS/sorting")" 1010 "... stands for frames"
suppression few Memcheck:Leak fun:few_large >rules
is "$(live rules "$GUESTS/sorting")" 9010 "callers are matched from the allocator on"
suppression few Memcheck:Cond ... fun:few_large >rules
is "$(live rules "$GUESTS/sorting")" 9010 "other kinds are none of ours"
suppression few Helgrind,Memcheck:Leak 'fun:mall?c' 'fun:l*' 'src:sorting.c:15' >rules
is "$(live rules "$GUESTS/sorting")" 1010 "wildcards and lines"
suppression few Memcheck:Leak ... 'obj:*/guests/sorting' >rules
is "$(live rules "$GUESTS/sorting")" 0 "objects"
{ echo '# two kinds of rules'; echo many_small; echo; suppression few Memcheck:Leak ... fun:few_large; echo leak:oldest; } >rules
is "$(live rules "$GUESTS/sorting")" 0 "between rules of other kinds"
suppression never Memcheck:Leak fun:nowhere >rules
ht -v --color=never --ignore=rules "$GUESTS/sorting"
like "$err" 'unused suppression: never' "-v names the unused"

cat >leak.cc <<'C'
#include <cstdlib>
#include <string>
struct A { char text[100]; };
namespace space { struct maker { __attribute__((noinline)) void make(int) { kept = new A[3]; __asm__ volatile(""); } A *volatile kept; }; }
int main() { space::maker maker; maker.make(1); maker.kept = nullptr; return 0; }
C
${CXX:-g++} -g -O0 -o leak leak.cc || bail "compiled"
suppression cxx Memcheck:Leak fun:_Znam fun:_ZN5space5maker4makeEi >rules
is "$(live_of_main /dev/null ./leak)" 300 "(a leak in C++)"
is "$(live_of_main rules ./leak)" 0 "mangled names"
suppression cxx Memcheck:Leak 'fun:_Zna*' ... fun:main >rules
is "$(live_of_main rules ./leak)" 0 "operator new with a wildcard"
if command -v valgrind >/dev/null; then
	run valgrind --leak-check=full --show-leak-kinds=all --gen-suppressions=all --log-file=log ./leak
	grep -v '^==' log >generated
	like "$(cat generated)" 'fun:_Znam' "valgrind generates a suppression"
	is "$(live_of_main generated ./leak)" 0 "and we ignore what it is for"
	echo /libstdc++.so >>generated
	ht --outfile=/dev/null --fail-on-live --ignore=generated ./leak
	is "$status" 0 "--fail-on-live with valgrind's file"
	for file in /usr/lib/valgrind/default.supp /usr/libexec/valgrind/default.supp /usr/lib/valgrind/*.supp; do
		[ -f "$file" ] || continue
		ht --outfile=/dev/null --ignore="$file" ./leak
		is "$status:$err" "0:" "$file is read"
	done
else
	skip "valgrind generates a suppression" "valgrind is missing"
fi

refused()
{
	pattern=$1 name=$2
	run "$HT" report --ignore=rules run.htrace
	is "$status" 125 "$name: 125"
	like "$err" "$pattern" "$name: says where"
}
ht --outfile=/dev/null --save=run.htrace "$GUESTS/leak"
printf 'x\n{\n name\n' >rules
refused 'line 2 has no end' "no end"
printf '{\n name\n}\n' >rules
refused 'line 1 has no name or no kind' "no kind"
printf '{\n name\n Memcheck:Leak\n fun:malloc\n leak_a\n}\n' >rules
refused 'line 5 .*no caller' "no caller"
done_testing
