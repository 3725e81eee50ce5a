#!/bin/sh
# SPDX-License-Identifier: MIT
# gcc and g++ with their children cc1, as, collect2, ld; make.
. "${0%/*}/../lib/zoo.sh"
need gcc g++ make
cat >hello.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(void) { printf("%d\n", rand() != 0); return 0; }
C
cat >hello.cc <<'C'
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
int main() { std::map<std::string, int> m{{"a", 1}}; std::cout << m.size() << std::endl; }
C
behaves "gcc" gcc -O2 -g -o hello hello.c
./hello | grep -q 1
ok $? "what it made runs"
names=$(json '[.processes[].command[0] | split("/") | last] | unique | join(" ")' all.json)
for child in as cc1 collect2 gcc ld; do
	like "$names" "$child" "gcc: $child is in the report"
done
behaves "g++" g++ -std=c++17 -O1 -c -o hello.o hello.cc
echo 'int main(void) { return x; }' >bad.c
behaves "an error" gcc -c bad.c
# cc1 hashes addresses: its totals depend on where its libraries lie. The assembler's do not.
behaves "cc1" gcc -S -o - hello.c -pipe
gcc -S -o hello.s hello.c
exact "as" as -o hello.o hello.s
printf 'all: a b\na b:\n\t@echo $@\n' >Makefile
behaves "make -j2" make -s -j1
done_testing
