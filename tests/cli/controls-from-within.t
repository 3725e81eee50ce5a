#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace.h: the same binary runs with and without us; totals, stop, resume, reset, marks and dumps are exact.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >program.c <<'C'
#include <heaptrace.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char out[4096];
static void *keep(size_t size) { return memset(malloc(size), 1, size); }
static void show(const char *when)
{
	struct heaptrace_totals t;
	int result = heaptrace_get_totals(&t);
	int n = sprintf(out, "%s: %d %d %d %d %d %d %d %d\n", when, result, (int)t.allocations, (int)t.frees, (int)t.live_blocks,
			(int)t.live_bytes, (int)t.peak_bytes, (int)t.unknown_frees, (int)t.recording);
	write(1, out, (size_t)n);
}
int main(void)
{
	int n = sprintf(out, "traced %d\n", heaptrace_is_traced());
	write(1, out, (size_t)n);
	void *a = keep(100);
	show("first");
	errno = 77;
	heaptrace_reset();
	heaptrace_mark();
	heaptrace_dump(99, "nonsense", NULL);
	n = sprintf(out, "errno %d\n", errno);
	write(1, out, (size_t)n);
	void *b = keep(1000), *c;
	free(a);
	show("after a reset");
	heaptrace_stop();
	c = keep(5);
	free(b);
	show("stopped");
	heaptrace_resume();
	free(c);
	b = realloc(keep(7), 9);
	show("resumed");
	int64_t mark = heaptrace_mark();
	n = sprintf(out, "mark %d\n", mark > 0 ? 1 : (int)mark);
	write(1, out, (size_t)n);
	for (int i = 0; i < 10; i++) keep(64);
	n = sprintf(out, "since %d\n", heaptrace_since(mark, 3, "json"));
	write(1, out, (size_t)n);
	n = sprintf(out, "dumps %d %d %d\n", heaptrace_dump(4, "text", "count"), heaptrace_dump_file("dumped.json", "json", 0),
		    heaptrace_dump_file("/nonexistent/file", "json", 0));
	write(1, out, (size_t)n);
	n = sprintf(out, "bad %d %d %d\n", heaptrace_dump(1, "nonsense", 0), heaptrace_dump(77, 0, 0), heaptrace_since(99, 1, 0));
	write(1, out, (size_t)n);
	heaptrace_start();
	show("started anew");
	return b == NULL;
}
C
for how in "${CC:-gcc} -std=gnu11" "${CC:-gcc} -std=c99 -D_DEFAULT_SOURCE -pedantic -no-pie" "${CXX:-g++} -x c++ -Wno-unused-variable"; do
	$how -Wall -Wextra -Wno-unused-result -fno-builtin -I"$SOURCE/include" -o program program.c 2>cc.err
	ok $? "builds with $how" || diag "$(head -5 cc.err)"
	is "$(cat cc.err)" "" "without a warning"
	run ./program 3>since 4>dump
	is "$out" "traced 0
first: -1 0 0 0 0 0 0 0
errno 77
after a reset: -1 0 0 0 0 0 0 0
stopped: -1 0 0 0 0 0 0 0
resumed: -1 0 0 0 0 0 0 0
mark -1
since -1
dumps -1 -1 -1
bad -1 -1 -1
started anew: -1 0 0 0 0 0 0 0" "not traced: every call says so"
	run "$HT" --outfile="$T/report" ./program 3>since 4>dump
	is "$status" 0 "traced: status"
	# C++ programs begin with a pool for exceptions
	is "$(printf '%s\n' "$out" | grep -v '^first')" "traced 1
errno 77
after a reset: 0 1 0 1 1000 1000 1 1
stopped: 0 1 1 0 0 1000 1 0
resumed: 0 3 2 1 9 1000 2 1
mark 1
since 0
dumps 0 0 -4
bad -3 -3 -3
started anew: 0 0 0 0 0 0 0 1" "traced: exact"
	is "$(jq -r '[.backtraces[] | select(.growth_bytes != 0)] | "\(length) \(.[0].growth_blocks) \(.[0].growth_bytes)"' since)" "1 10 640" "since the mark"
	is "$(jq -r '.files | "\(.[0].path) \(.[1].path) \(.[0].taken_ns > 0) \(.[1].taken_ns > .[0].taken_ns)"' since)" "the mark now true true" \
		"from when to when"
	like "$(cat dump)" 'sorted by count' "a dump to a descriptor, sorted as asked"
	like "$(cat dump)" ' keep[ (]' "with names"
	is "$(jq '.processes[0].totals | .live_blocks, .live_bytes' dumped.json | xargs)" "11 649" "and one to a file"
	rm -f since dump dumped.json
done

run env LD_PRELOAD="$BUILD/libheaptrace.so" ./program 3>since 4>dump
like "$out" '^stopped: 0 1 1 0 0 1000 1 0$' "stand-alone: the figures are the same"
like "$out" '^mark -2$' "stand-alone: nobody keeps marks"
like "$out" '^dumps 0 -2 -4$' "stand-alone: text can be had, other formats not"
like "$(cat dump)" 'size/peak: 640 bytes/640 bytes' "the text has the figures"
like "$(cat dump)" "/program (+0x\|./program (+0x" "and places for names"
is "$(find . -name '*.heaptrace-new')" "" "nothing half-made stays"

# What was before a reset is in none of the report's figures; what is reallocated while stopped is no new block.
cat >anew.c <<'C'
#include <heaptrace.h>
#include <pthread.h>
#include <stdlib.h>
static void *kept[300];
static __attribute__((noinline)) void fill(int from, int to, size_t size)
{
	for (int i = from; i < to; i++) kept[i] = malloc(size);
}
static __attribute__((noinline)) void empty(int from, int to)
{
	for (int i = from; i < to; i++) free(kept[i]);
}
static void *work(void *unused) { fill(200, 201, 8); return NULL; }
int main(int argc, char **argv)
{
	pthread_t thread;
	if (argc > 1) {
		pthread_create(&thread, NULL, work, NULL);
		pthread_join(thread, NULL);
	}
	fill(0, 100, 100000);
	heaptrace_reset();
	empty(0, 50);
	fill(100, 103, 20000);
	empty(102, 103);
	fill(103, 104, 10);
	if (argc > 2)
		return 0;
	heaptrace_stop();
	kept[100] = realloc(kept[100], 50000);
	heaptrace_resume();
	kept[100] = realloc(kept[100], 7);
	return 0;
}
C
${CC:-gcc} -g -O1 -fno-builtin -pthread -w -I"$SOURCE/include" -o anew anew.c || bail "compiled"
of_fill='[.backtraces[] | select(any(.frames[]; .function == "fill")) | [.total_blocks, .at_peak_blocks, .at_peak_bytes, .peak_bytes]] | sort'
ht_json ./anew
is "$(totals)" "5 2 60017 3 20017" "a report after a reset"
is "$(json '.processes[0].totals | "\(.peak_blocks) \(.peak_bytes)"')" "3 60000" "peaks are of what came later"
is "$(json ".processes[0] | $of_fill | tostring")" "[[1,0,0,10],[3,3,60000,60000]]" "also those of each backtrace"
ht --sort=total --color=never ./anew
like "$err" 'not seen: 51 blocks from before a start or reset, or while recording was stopped' "what became of older blocks is said"
ht --sort=total --color=never ./anew without stop
like "$err" 'not seen: 50 blocks from before a start or reset' "also where nothing was stopped"
ht_json ./anew threads
is "$(totals)" "5 2 60017 3 20017" "with several threads"
is "$(json '.processes[0].totals | .peak_bytes >= 60000 - 8192 and .peak_bytes <= 60000 + 8192 and .peak_blocks <= 3 + 128')" true "peaks are within their bound"
ht_json --exact ./anew threads
is "$(json '.processes[0].totals | "\(.peak_blocks) \(.peak_bytes)"')" "3 60000" "and exact with --exact"

${CC:-gcc} -g -fno-builtin -I"$SOURCE/include" -o example "$SOURCE/tests/examples/growth-of-a-request.c"
ok $? "the example builds"
run ./example
is "$out" "not traced" "runs without us"
ht --outfile="$T/report" ./example
like "$out" '^\[heaptrace\] growth of live memory from the mark (example) to now (example)$' "what is compared"
like "$out" 'count: 0 -> 3, +3\] \[size: 0 bytes -> 300 bytes, +300 bytes' "and says what grew"
like "$out" 'handle_request' "and where"
done_testing
