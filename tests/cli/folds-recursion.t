#!/bin/sh
# SPDX-License-Identifier: MIT
# --fold-recursion: functions that call themselves or each other stand once, in every format; the sums stay what they are.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

ht --outfile=/dev/null --save=run.htrace "$GUESTS/views"
is "$status" 0 "status"
run "$HT" report --color=never --through=walk --fold-recursion run.htrace
is "$(printf '%s\n' "$out" | grep -c '=== backtrace')" 1 "text: four depths are one backtrace"
like "$out" 'count/peak: 4/4.*size/peak: 40 bytes/40 bytes.*4 backtraces: peaks are at least these' "text: with the sum of them"
is "$(printf '%s\n' "$out" | grep -c ' walk +')" 1 "text: the function stands once"
like "$out" '^   .frame 2 x 1 to 4.$' "text: how often"
run "$HT" report --color=never --through=odd --fold-recursion run.htrace
like "$out" '^   .frames 2-3 x 1 to 2.$' "text: functions that call each other"
run "$HT" report --color=never --through=walk run.htrace
is "$(printf '%s\n' "$out" | grep -c '=== backtrace')" 4 "text: not unless it is asked for"
unlike "$out" 'frame 2 x' "text: then nothing is said"

"$HT" report --format=json --fold-recursion run.htrace >json
is "$(jq -c '.processes[0] | [.totals.allocations, .totals.live_bytes, ([.backtraces[].total_blocks] | add), ([.backtraces[].live_bytes] | add)]' json)" \
	"[15,513,15,513]" "json: the sums are the same"
is "$(jq -c '[.processes[0].backtraces[] | select(any(.frames[]; .function == "walk")) | [.live_blocks, .merged, .recursions, (.recursions[0].first as $i | .frames[$i].function)]]' json)" \
	'[[4,3,[{"first":2,"count":1,"least":1,"most":4}],"walk"]]' "json: which frames, how often, how many backtraces"
is "$(jq -c '[.processes[0].backtraces[] | select(any(.frames[]; .function == "even")) | [.live_blocks, .merged, (.recursions | length)]] | sort' json)" \
	'[[1,0,0],[2,1,1]]' "json: cycles"

# depth FORMAT OPTION...: in how many backtraces walk calls itself
depth()
{
	format=$1
	shift
	run "$HT" export --format="$format" --through=walk "$@" run.htrace
	case $format in
	collapsed) grep -c 'walk;walk' out;;
	speedscope) jq '.shared.frames as $f | [.profiles[0].samples[] | map($f[.].name) | select(map(select(. == "walk")) | length > 1)] | length' out;;
	dhat) jq '.ftbl as $f | [.pps[] | .fs | map($f[.]) | select(map(select(contains(" walk "))) | length > 1)] | length' out;;
	csv) grep -c 'walk;walk' out;;
	pprof) python3 "$SOURCE/tests/lib/pprof.py" out | jq '[.samples[] | select([.stack[].lines[].function | select(. == "walk")] | length > 1)] | length';;
	esac
}
for format in collapsed speedscope dhat csv pprof; do
	is "$(depth $format) $(depth $format --fold-recursion)" "3 0" "$format"
done
is "$("$HT" report --flame-graph --through=walk --fold-recursion run.htrace | sed 's/.*;//')" "walk 40" "collapsed: all in one line"
ht --fold-recursion --max-live=39 --through=walk --outfile=/dev/null "$GUESTS/views"
is "$status" 120 "limits hold for the sum"
# Threads stay apart, churn adds up, and slices follow their backtraces.
cat >folded.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void *volatile kept;
static __attribute__((noinline)) void leaf(void) { free(malloc(10)); kept = malloc(20); }
static __attribute__((noinline)) void again(int n) { if (n) again(n - 1); leaf(); __asm__ volatile(""); }
static void *work(void *unused) { for (volatile int n = 2; n < 4; n++) again(n); return NULL; }
static __attribute__((noinline)) void once(void) { kept = malloc(7); }
int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++) {
		pthread_create(&threads[i], NULL, work, NULL);
		pthread_join(threads[i], NULL);
	}
	once();
	return 0;
}
C
${CC:-gcc} -fno-builtin -fno-optimize-sibling-calls -O1 -pthread -w -o folded folded.c || bail "compiled"
ht --churn --by-thread --interval=1s --outfile=/dev/null --save=folded.htrace ./folded
"$HT" report --format=json --fold-recursion folded.htrace >json
is "$(jq -c '[.processes[0].backtraces[] | select(any(.frames[]; .function == "again")) | [.total_blocks, .total_bytes, .churn.temporary_blocks]] | sort' json)" \
	'[[7,70,7],[7,70,7],[7,140,0],[7,140,0]]' "each thread's own, with its churn"
"$HT" report --window=.. --format=json --fold-recursion folded.htrace >window
is "$(jq -c '[.backtraces[] | select(any(.frames[]; .function == "again")) | [.allocated_blocks, .growth_bytes]] | sort' window)" \
	'[[7,0],[7,0],[7,140],[7,140]]' "what happened in a window follows its backtraces"

done_testing
