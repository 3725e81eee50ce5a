#!/bin/sh
# SPDX-License-Identifier: MIT
# Formats for viewers leave allocators and wrappers out at the inner end; text and json have them, json says how many they are.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

ht --color=never --save=run.htrace --top=0 "$GUESTS/views"
like "$err" '^ 1 .* xmalloc +0x' "the text report shows a wrapper"
"$HT" report --format=json run.htrace >json
is "$(jq -r '[.processes[0].backtraces[] | .frames[.allocator_frames].function] | unique | join(" ")' json)" "even lex parse text use walk" \
	"json says which frames are the allocator's"
is "$(jq '[.processes[0].backtraces[] | select(any(.frames[]; .function == "xmalloc")) | .allocator_frames] | unique | tostring' json)" '"[2]"' \
	"malloc and xmalloc"

# names FORMAT OPTION...: the functions in a document
names()
{
	format=$1
	shift
	run "$HT" export --format="$format" "$@" run.htrace
	case $format in
	collapsed) tr ';' '\n' <out | sed 's/ [0-9]*$//';;
	speedscope) jq -r '.shared.frames[].name' out;;
	dhat) jq -r '.ftbl[]' out | sed 's/^0x[0-9A-F]*: \([^ ]*\).*/\1/';;
	csv) tail -n +2 out | awk -F'"' '{ print $6; gsub(";", "\n", $(NF - 1)); print $(NF - 1) }';;
	pprof) python3 "$SOURCE/tests/lib/pprof.py" out | jq -r '.samples[].stack[].lines[].function';;
	esac | sort -u
}
for format in collapsed speedscope dhat csv pprof; do
	names $format >hidden
	is "$(grep -c -x -e xmalloc -e strdup -e __GI___strdup -e __strdup hidden)" 0 "$format: no wrappers"
	is "$(grep -c -x -e walk -e even -e parse hidden)" 3 "$format: their callers"
	names $format --keep-allocator >kept
	is "$(grep -c -x -e malloc -e xmalloc kept)" 2 "$format: --keep-allocator keeps them"
done

# What the user knows to be a wrapper.
is "$("$HT" report --flame-graph --wrapper=^lex$ --wrapper='p*se' run.htrace | grep ';main ')" "views;_start;__libc_start_main;__libc_start_call_main;main 407" \
	"--wrapper: not in pictures"
is "$("$HT" report --format=json --wrapper=^lex$ --from=main run.htrace | jq '.processes[0].totals.live_bytes')" 107 "--wrapper: not who asked for memory"
is "$("$HT" report --format=json --wrapper=walk --group=function run.htrace | jq '[.processes[0].groups[] | select(.name == "main") | .live_bytes]' -c)" "[40]" "--wrapper: in groups"
is "$("$HT" report --flame-graph --wrapper=lex --keep-allocator run.htrace | grep -c ';lex;')" 2 "--keep-allocator keeps it"
ht report --wrapper= run.htrace
is "$status" 125 "an empty one is refused"

cat >library.cc <<'CC'
#include <map>
#include <string>
#include <vector>
std::map<int, std::string> *map;
void *kept;
static void grow() { static std::vector<int> vector; vector.push_back(1); kept = &vector; }
static void insert() { map = new std::map<int, std::string>; (*map)[3] = std::string(100, 'x'); }
int main() { grow(); insert(); return 0; }
CC
for level in -O0 -O2; do
	${CXX:-g++} -g $level -fno-builtin -o library library.cc || bail "compiled"
	ht --outfile=/dev/null --save=library.htrace ./library
	is "$("$HT" report --flame-graph=total --through=main library.htrace | sed 's/ [0-9]*$//; s/.*;//' | grep -c '_M_\|operator new\|allocate')" 0 \
		"$level: nothing of the inside of the C++ library at the end of a stack"
	is "$("$HT" report --format=json --through=main --from=grow library.htrace | jq '.processes[0].totals.allocated_bytes')" 4 \
		"$level: the function that called the C++ library"
done
done_testing
