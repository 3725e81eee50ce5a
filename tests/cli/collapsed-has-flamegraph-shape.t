#!/bin/sh
# SPDX-License-Identifier: MIT
# Collapsed stacks: "root;...;leaf BYTES" for flamegraph.pl, and nothing else; three metrics.
. "${0%/*}/../lib/tap.sh"

ht --flame-graph "$GUESTS/sorting"
is "$status:$err" "0:" "status, and nothing on stderr"
is "$(printf '%s\n' "$out" | grep -vc '^sorting;[^ ;]*\(;[^;]*\)* [1-9][0-9]*$')" 0 "each line is a stack and a number"
is "$(printf '%s\n' "$out" | sed -n 's/^.*;main;\(.*\)$/\1/p' | sort)" "few_large;leak 8000
many_small;leak 1000
oldest;leak 10" "live bytes; the allocator's frame is dropped"
unlike "$out" '0x\|+\|\[' "no addresses, no offsets"
like "$out" '^sorting;_start;' "rooted at the program, then _start"
ht --flame-graph=live "$GUESTS/sorting"
is "$(printf '%s\n' "$out" | wc -l)" 3 "=live"
ht --flame-graph=at-peak "$GUESTS/sorting"
is "$(printf '%s\n' "$out" | sed -n 's/^.*;main;\(.*\)$/\1/p' | sort)" "few_large;leak 8000
many_small;leak 1000
oldest;leak 10
passing;use 50000" "=at-peak"
ht --flame-graph=total "$GUESTS/sorting"
is "$(printf '%s\n' "$out" | awk '{ s += $NF } END { print s }')" 149010 "=total sums up to all bytes"
ht --format=collapsed "$GUESTS/sorting"
is "$(printf '%s\n' "$out" | wc -l)" 3 "--format=collapsed is the same"
ht --flame-graph --keep-allocator "$GUESTS/sorting"
like "$out" ';few_large;leak;malloc 8000$' "--keep-allocator"
ht --flame-graph sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30"
like "$out" '^leak;.*;leak_a;leak 130$' "all processes in one document, the same stacks of one program added up"
like "$out" '^sh;' "each under its program's name"
cat >"$T/odd.cc" <<'C'
#include <cstdlib>
#include <map>
struct A { template <class T> __attribute__((noinline)) void take(T) { if (!malloc(77)) abort(); } };
int main() { A().take(std::pair<int, A *>()); }
C
${CXX:-g++} -O0 -o "$T/odd program" "$T/odd.cc" || bail "compiled"
ht --flame-graph "$T/odd program"
like "$out" 'void A::take<std::pair<int, A\*> >(std::pair<int, A\*>) 77$' "C++ names keep their spaces"
done_testing
