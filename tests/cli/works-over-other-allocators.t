#!/bin/sh
# SPDX-License-Identifier: MIT
# jemalloc, tcmalloc, mimalloc: preloaded and linked, C and C++, exact counts.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

libs=/usr/lib/$(${CC:-gcc} -print-multiarch)
cat >program.cc <<'C'
#include <cstdlib>
#include <new>
struct alignas(128) Wide { char bytes[128]; };
static void make()
{
	char *volatile p = new char[100];
	delete[] p;
	p = (char *)malloc(10);
	p = (char *)realloc(p, 2000);
	p = (char *)calloc(3, 5);
	free(p);
	void *volatile q = new Wide;
	q = new long;
	posix_memalign((void **)&q, 64, 1);
	q = operator new(50, std::nothrow);
	operator delete(q);
}
int main() { for (int i = 0; i < 100; i++) make(); }
C
sums() { function_totals "make()"; }
tested=0
for library in libjemalloc.so.2 libtcmalloc_minimal.so.4 libtcmalloc.so.4 libmimalloc.so.2 libmimalloc.so.2.0; do
	[ -e "$libs/$library" ] || continue
	tested=$((tested + 1))
	${CXX:-g++} -fno-builtin -std=c++17 -w -O0 -o plain program.cc || bail "compiled"
	${CXX:-g++} -fno-builtin -std=c++17 -w -O0 -o linked program.cc -Wl,--no-as-needed "$libs/$library" || bail "compiled"
	for way in preloaded linked; do
		if [ $way = preloaded ] && sanitized; then
			skip "$library $way" "it would be preloaded into heaptrace too, which has the address sanitizer"
			continue
		fi
		preload=
		[ $way = linked ] || preload=$libs/$library
		program=./linked
		[ $way = linked ] || program=./plain
		rm -f json
		run env LD_PRELOAD="$preload" "$HT" --format=json --outfile="$T/json" $program
		is "$status" 0 "$library $way: status"
		is "$(sums)" "800 231200 400 213700" "$library $way: exact"
		is "$(json '[.processes[].unseen | .table_full + .corrupt_records + .inherited_frees] | add')" 0 "$library $way: nothing missed"
		traced=$(totals)
		mkdir -p "$TMPDIR/heaptrace-CounTs" && rm -f "$TMPDIR"/heaptrace-CounTs/counts.*
		cp "$BUILD/tests/counter.so" "$TMPDIR/heaptrace-CounTs/libheaptrace.so"
		run env LD_PRELOAD="$TMPDIR/heaptrace-CounTs/libheaptrace.so:$preload" $program
		is "$traced" "$(counted)" "$library $way: totals as the counter has them"
	done
done
[ $tested -gt 0 ] || skip "other allocators" "none of them is installed"
done_testing
