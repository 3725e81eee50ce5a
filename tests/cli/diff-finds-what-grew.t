#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace diff: the same backtraces are found again whatever their addresses; growth to the byte, sorted, in three formats.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >program.c <<'C'
#include <stdlib.h>
void *volatile kept;
__attribute__((noinline)) static void keep(int count, size_t size) { while (count-- > 0) kept = malloc(size); }
__attribute__((noinline)) static void grows(int count) { keep(count, 100); __asm__ volatile(""); }
__attribute__((noinline)) static void shrinks(int count) { keep(count, 10); __asm__ volatile(""); }
__attribute__((noinline)) static void stays(int count) { keep(count, 1000); __asm__ volatile(""); }
__attribute__((noinline)) static void wavers(int count) { keep(count, 7); __asm__ volatile(""); }
int main(int argc, char **argv)
{
	grows(atoi(argv[1]));
	shrinks(atoi(argv[2]));
	stays(3);
	wavers(atoi(argv[3]));
	return 0;
}
C
${CC:-gcc} -g -O1 -fno-optimize-sibling-calls -o program program.c || bail "compiled"
snapshot() { file=$1; shift; run "$HT" --outfile=/dev/null --save="$file" "$@"; [ "$status" -eq 0 ]; ok $? "snapshot $file"; }
snapshot a.htrace ./program 10 5 1
snapshot b.htrace ./program 12 4 9
snapshot c.htrace ./program 30 2 4
diffed() { run "$HT" diff "$@"; }
# shellcheck disable=SC2016
by_function='[.backtraces[] | . as $b | ["grows", "shrinks", "stays", "wavers"][] as $f | select(any($b.frames[]; .function == $f)) |
	"\($f) \($b.blocks | join(">")) \($b.bytes | join(">")) \($b.growth_blocks) \($b.growth_bytes)"] | join(", ")'

diffed --format=json a.htrace b.htrace
is "$status:$err" "0:" "status"
cp out ab.json
is "$(json "$by_function" ab.json)" \
	"grows 10>12 1000>1200 2 200, wavers 1>9 7>63 8 56, shrinks 5>4 50>40 -1 -10, stays 3>3 3000>3000 0 0" \
	"each backtrace is found again, the biggest growth first"
is "$(json '[.backtraces[].frames[1].address] | unique | length > 0' ab.json)" true "with frames"
is "$(json '[.files[] | "\(.path) \(.blocks) \(.bytes)"] | join(", ")' ab.json)" "a.htrace 19 4057, b.htrace 28 4303" "the files' sums"
is "$(json '.notes | length' ab.json)" 0 "nothing to be noted"
is "$(json '[.backtraces[].grew_in_every_interval] | any' ab.json)" false "two files have but one interval"
first=$("$HT" report --format=json a.htrace | jq -r '.processes[0].backtraces[0].frames[1].address')
second=$("$HT" report --format=json b.htrace | jq -r '.processes[0].backtraces[0].frames[1].address')
if [ "$first" != "$second" ]; then pass "the addresses were not the same"; else skip "the addresses were not the same" "addresses are not randomized here"; fi

diffed a.htrace b.htrace
is "$status:$err" "0:" "text: status"
is "$(grep '=== backtrace' out)" "=== backtrace #1 === [count: 10 -> 12, +2] [size: 1.000 KB -> 1.200 KB, +200 bytes]
=== backtrace #2 === [count: 1 -> 9, +8] [size: 7 bytes -> 63 bytes, +56 bytes]
=== backtrace #3 === [count: 5 -> 4, -1] [size: 50 bytes -> 40 bytes, -10 bytes]" "text: what changed, what did not is left out"
like "$out" '^ 2 \[0x[0-9a-f]*\] grows +0x[0-9a-f]* (.*program\.c:4)$' "text: frames"
like "$out" '^\[heaptrace\] size before / after  *: 4\.057 KB / 4\.303 KB (+246 bytes)$' "text: size"
like "$out" '^\[heaptrace\] blocks before / after  *: 19 / 28 (+9)$' "text: blocks"
like "$out" '^\[heaptrace\] backtraces grown / shrunk  *: 2 / 1 of 4$' "text: backtraces"
diffed --top=1 a.htrace b.htrace
is "$(grep -c '=== backtrace' out)" 1 "--top"
diffed b.htrace a.htrace
like "$out" '=== backtrace #1 === \[count: 4 -> 5, +1\] \[size: 40 bytes -> 50 bytes, +10 bytes\]' "the other way round"
diffed a.htrace a.htrace
is "$status:$(grep -c '=== backtrace' out)" "0:0" "a file and itself: nothing changed"
like "$out" '(+0 bytes)' "and it says so"

diffed --format=json a.htrace b.htrace c.htrace
cp out abc.json
is "$(json '[.backtraces[] | select(.grew_in_every_interval) | .bytes | join(">")] | join(",")' abc.json)" "1000>1200>3000" "three: grew in every interval"
is "$(json '[.backtraces[] | select(.grew_in_every_interval) | .slope_bytes] | join(",")' abc.json)" 1000 "three: slope"
is "$(json '.slope_per' abc.json)" snapshot "three: of different runs the slope is per snapshot"
diffed a.htrace b.htrace c.htrace
like "$out" '\[size: 1\.000 KB -> 1\.200 KB -> 3\.000 KB, +2\.000 KB\] \[slope: +1\.000 KB per snapshot\] \[grew in every interval\]$' "three: text"
is "$(grep -c 'grew in every interval\]' out)" 1 "three: only that one"
diffed a.htrace b.htrace c.htrace a.htrace b.htrace c.htrace a.htrace c.htrace
like "$out" '\[count: 10 -> 12 -> 30 -> \.\.\. -> 30 -> 10 -> 30, +20\]' "many: the middle is left out"

diffed --format=collapsed a.htrace b.htrace
is "$(sed 's/.*main;//' out)" "grows;keep 1000 1200
wavers;keep 7 63
shrinks;keep 50 40
stays;keep 3000 3000" "collapsed: two columns"
cp out ab.collapsed
run "$HT" export --flame-graph --no-lines a.htrace b.htrace
same out ab.collapsed "collapsed: so does export, of two snapshots"
is "$(grep -vc '^program;[^ ;]*\(;[^;]*\)* [0-9]* [0-9]*$' out)" 0 "collapsed: the shape of a differential"
diffed --flame-graph=total a.htrace b.htrace
is "$(awk '{ a += $(NF - 1); b += $NF } END { print a, b }' out)" "4057 4303" "--flame-graph=total"
if command -v flamegraph.pl >/dev/null; then
	cp out ab.collapsed
	run flamegraph.pl ab.collapsed
	is "$status" 0 "flamegraph.pl reads it"
else
	skip "flamegraph.pl reads it" "flamegraph.pl is missing"
fi
echo grows >rules
diffed --format=json --ignore=rules a.htrace b.htrace
is "$(json '[.backtraces[].growth_bytes] | join(",")' out)" "56,-10,0" "--ignore"
diffed --outfile=to.txt a.htrace b.htrace
is "$status:$out" "0:" "--outfile"
like "$(cat to.txt)" '=== backtrace #1' "is written"

# One run at several times.
ht_dir=$T/run && mkdir "$ht_dir"
cat >server.c <<'C'
#include <stdlib.h>
#include <unistd.h>
void *volatile kept;
int main(void)
{
	char c;
	while (read(0, &c, 1) == 1) { kept = malloc(1000); if (write(1, &c, 1) != 1) return 1; }
	return 0;
}
C
${CC:-gcc} -g -o server server.c || bail "compiled"
mkfifo in
start sh -c "exec '$HT' --outfile=/dev/null ./server <in >answers"
exec 3>in
answered() { [ "$(wc -c <answers)" -ge "$1" ]; }
for n in 1 2 3; do
	printf x >&3
	wait_until 10 answered $n
	server=$(children "$pid" | awk '{ print $1 }')
	run "$HT" dump --outfile=/dev/null --save="s$n.htrace" "$server"
	is "$status" 0 "dump $n of a server"
done
exec 3>&-
wait "$pid"
diffed --format=json s1.htrace s2.htrace s3.htrace
is "$(json '.slope_per' out) $(json '[.backtraces[] | select(.grew_in_every_interval) | .bytes | join(">")] | join(",")' out)" \
	"second 1000>2000>3000" "one run: it grew in every interval, per second"
is "$(json '.files | [.[1:], .[:-1]] | transpose | map(.[0].taken_ns > .[1].taken_ns) | all' out)" true "times ascend"
diffed s3.htrace s1.htrace
like "$out" '^\[heaptrace\] note: .*order' "snapshots in the wrong order: said"

# Mistakes.
refuses()
{
	pattern=$1 name=$2
	shift 2
	refused 125 "^heaptrace diff: .*$pattern" "$name" diff "$@"
}
refuses 'two snapshots' "no file"
refuses 'two snapshots' "one file" a.htrace
refuses 'missing\.htrace.*No such file' "a missing file" a.htrace missing.htrace
head -c 3000 a.htrace >cut.htrace
refuses 'cut\.htrace' "a cut file" cut.htrace a.htrace
{ head -c 8 a.htrace; printf '\377\0\0\0'; tail -c +13 a.htrace; } >newer.htrace
refuses 'newer\|version' "another version" a.htrace newer.htrace
refuses 'not a' "a foreign file" a.htrace /bin/ls
refuses 'export' "a format of one snapshot" --format=pprof a.htrace b.htrace
refuses 'sort' "an option of reports" --sort=size a.htrace b.htrace
refuses 'missing' "missing rules" --ignore=missing a.htrace b.htrace
refuses '/no/such' "a missing directory" --outfile=/no/such/directory/x a.htrace b.htrace
refuses 'written' "a full disk" --outfile=/dev/full a.htrace b.htrace
# The same bytes in another number of blocks are a change, and so is another entry point at the same place.
cat >other-entry.c <<'C'
#include <malloc.h>
#include <stdlib.h>
static void *kept;
int main(int argc, char **argv)
{
	void *(*entry)(size_t) = argc > 1 ? valloc : malloc;
	kept = entry(60);
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -o other-entry other-entry.c || bail "compiled"
ht --outfile=/dev/null --save=two.htrace "$GUESTS/leak" 2 30
ht --outfile=/dev/null --save=three.htrace "$GUESTS/leak" 3 20
run "$HT" diff two.htrace three.htrace
like "$out" 'count: 2 -> 3, +1\] \[size: 60 bytes -> 60 bytes' "more blocks of the same bytes"
ht --outfile=/dev/null --save=malloc.htrace ./other-entry
ht --outfile=/dev/null --save=valloc.htrace ./other-entry with valloc
run "$HT" diff --format=json malloc.htrace valloc.htrace
is "$(jq -c '[.backtraces[] | select(.growth_bytes != 0) | [.frames[0].function, .growth_bytes]] | sort' out)" '[["malloc",-60],["valloc",60]]' "another entry point"

done_testing
