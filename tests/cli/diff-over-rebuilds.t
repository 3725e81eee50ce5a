#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace diff where the program is not the same file: rebuilt, moved, without build id, another program.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

source_of()
{
	cat <<C
#include <stdlib.h>
$1
void *volatile kept;
__attribute__((noinline)) static void keep(int count, size_t size) { while (count-- > 0) kept = malloc(size); }
__attribute__((noinline)) static void grows(int count) { keep(count, 100); __asm__ volatile(""); }
$2
__attribute__((noinline)) static void stays(int count) { keep(count, 1000); __asm__ volatile(""); }
int main(int argc, char **argv)
{
	grows(atoi(argv[1]));
	$3
	stays(3);
	return 0;
}
C
}
build() { mkdir -p "$1"; source_of "$2" "$3" "$4" >"$1/program.c"; shift 4; ${CC:-gcc} -g -O1 -fno-optimize-sibling-calls "$@"; }
build old '' '' '' -o old/program old/program.c || bail "compiled"
build new '// one line
// and two more
//' '__attribute__((noinline)) static void fresh(int count) { keep(count, 11); __asm__ volatile(""); }' 'fresh(2);' \
	-o new/program new/program.c || bail "compiled"
snapshot() { file=$1; shift; run "$HT" --outfile=/dev/null --save="$file" "$@"; [ "$status" -eq 0 ]; ok $? "snapshot $file"; }
diffed() { run "$HT" diff "$@"; }
# shellcheck disable=SC2016
by_function='[.backtraces[] | . as $b | ["grows", "fresh", "stays"][] as $f | select(any($b.frames[]; .function == $f)) |
	"\($f) \($b.bytes | join(">"))"] | join(", ")'

# The same file elsewhere is the same program.
mkdir moved && cp old/program moved/other-name
snapshot old.htrace old/program 10
snapshot moved.htrace moved/other-name 12
diffed --format=json old.htrace moved.htrace
is "$(json "$by_function" out)" "grows 1000>1200, stays 3000>3000" "by build id: the file's name does not matter"

# Rebuilt: every offset and line has moved.
snapshot new.htrace new/program 14
diffed --format=json old.htrace new.htrace
is "$(json "$by_function" out)" "grows 1000>1400, fresh 0>22, stays 3000>3000" "rebuilt: by functions, though lines moved"
like "$(json '.notes[]' out)" "new/program was rebuilt.*functions" "rebuilt: said"
is "$(json '[.backtraces[] | .frames[] | select(.function == "main") | .line] | unique | join(" ")' out)" "12 13 14" \
	"the newer file's lines are shown"
old_line=$("$HT" report --format=json old.htrace | jq '[.processes[].backtraces[].frames[] | select(.function == "grows") | .line][0]')
new_line=$("$HT" report --format=json new.htrace | jq '[.processes[].backtraces[].frames[] | select(.function == "grows") | .line][0]')
is $((new_line - old_line)) 2 "(the lines have moved)"
diffed old.htrace new.htrace
like "$out" '^\[heaptrace\] note: .*rebuilt' "rebuilt: said in text"
diffed --format=collapsed old.htrace new.htrace
like "$out" ';main;grows;keep 1000 1400$' "rebuilt: collapsed"
like "$err" 'note: .*rebuilt' "rebuilt: said beside the stacks"
unlike "$out" 'note' "not among them"
diffed -q --format=collapsed old.htrace new.htrace
is "$err" "" "-q: not said"

# Two calls in one function: the lines tell them apart while they have not moved.
for version in one two; do
	mkdir -p $version
	printf '%s\n' '#include <stdlib.h>' 'void *volatile kept;' 'int main(int argc, char **argv) {' \
		'for (int i = 0; i < atoi(argv[1]); i++) kept = malloc(10);' \
		'for (int i = 0; i < atoi(argv[2]); i++) kept = malloc(1000);' 'return 0; }' "int $version;" >$version/calls.c
	${CC:-gcc} -g -O1 -o $version/calls $version/calls.c || bail "compiled"
done
snapshot one.htrace one/calls 5 1
snapshot two.htrace two/calls 6 3
diffed --format=json one.htrace two.htrace
is "$(json '[.backtraces[].bytes | join(">")] | join(", ")' out)" "1000>3000, 50>60" "rebuilt: lines tell calls of one function apart"

# Rebuilt in place: the old file's names are lost, which is said.
mkdir place && cp old/program place/program
snapshot place-old.htrace place/program 10
cp new/program place/program
snapshot place-new.htrace place/program 14
diffed --format=json place-old.htrace place-new.htrace
is "$status" 0 "rebuilt in place: status"
like "$(json '.notes[]' out)" "no names for .*place/program of place-old.htrace: .*debug-dir" "rebuilt in place: said what to do"
is "$(json '[.backtraces[].bytes[0]] | add' out) $(json '[.backtraces[].bytes[1]] | add' out)" "4000 4422" "rebuilt in place: nothing is lost"

# No build id: path and offset.
build plain '' '' '' -Wl,--build-id=none -o plain/program plain/program.c || bail "compiled"
snapshot plain-a.htrace plain/program 10
snapshot plain-b.htrace plain/program 12
diffed --format=json plain-a.htrace plain-b.htrace
is "$(json "$by_function" out)" "grows 1000>1200, stays 3000>3000" "without build id: by path and offset"
is "$(json '[.backtraces[].frames[] | select(.function == "main") | .build_id] | unique | join(",")' out)" "" "(there was none)"

# Another program: said, and what both have (here: nothing but the C library) is compared.
snapshot other.htrace "$GUESTS/leak" 4 40
diffed old.htrace other.htrace
is "$status" 0 "different programs: status"
like "$out" '^\[heaptrace\] note: different programs: old\.htrace is of program, other\.htrace is of leak' "different programs: said"
like "$out" '\[count: 0 -> 4, +4\] \[size: 0 bytes -> 160 bytes, +160 bytes\]' "what only one has grew from nothing"
like "$out" '\[count: 10 -> 0, -10\] \[size: 1\.000 KB -> 0 bytes, -1\.000 KB\]' "or shrank to nothing"

# Nothing live in one of them.
snapshot empty.htrace old/program 0
diffed empty.htrace old.htrace
like "$out" '\[count: 0 -> 10, +10\]' "from none"
snapshot nothing.htrace "$GUESTS/leak" 0
diffed nothing.htrace nothing.htrace
is "$status:$(grep -c '=== backtrace' out)" "0:0" "empty runs"
diffed --format=collapsed nothing.htrace nothing.htrace
is "$status:$out" "0:" "empty runs: no stacks"
diffed --format=json nothing.htrace nothing.htrace
is "$(json '.backtraces | length' out)" 0 "empty runs: json"
done_testing
