#!/bin/sh
# SPDX-License-Identifier: MIT
# With several threads the true peak lies within the bound that the report states; with --exact there is none.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >threads.c <<'C'
#include <pthread.h>
#include <stdlib.h>
static pthread_barrier_t all;
static void *hold(void *n)
{
	void *blocks[50];
	pthread_barrier_wait(&all);
	for (int i = 0; i < 50; i++) blocks[i] = malloc(1000);
	pthread_barrier_wait(&all);
	for (int i = 0; i < 50; i++) free(blocks[i]);
	pthread_barrier_wait(&all);
	for (int i = 0; i < 1000; i++) free(malloc(10));
	return NULL;
}
int main(void)
{
	pthread_t threads[8];
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 256 << 10);
	pthread_barrier_init(&all, NULL, 8);
	for (int i = 0; i < 8; i++) pthread_create(&threads[i], &small, hold, NULL);
	for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -pthread -o threads threads.c || bail "compiled"
# 8 threads hold 50 blocks of 1,000 bytes at the same time.
of_hold='[.processes[0].backtraces[] | select(any(.frames[]; .function == "hold"))] | max_by(.total_bytes)'
for i in 1 2 3; do
	ht_json --exact ./threads
	is "$(json "$of_hold | \"\(.peak_blocks) \(.peak_bytes) \(.at_peak_blocks) \(.at_peak_bytes)\"")" "400 400000 400 400000" "--exact: the backtrace's peak ($i)"
	is "$(json '.processes[0] | (.totals.peak_bytes == ([.backtraces[].at_peak_bytes] | add))')" true "--exact: at-peak adds up to the peak ($i)"
	count ./threads
	is "$(json '.processes[0].totals | "\(.peak_blocks) \(.peak_bytes)"')" \
		"$(od -An -v -w80 -t u8 "$TMPDIR"/heaptrace-CounTs/counts.* | awk 'NR == 1 { print $9, $10 }')" "--exact: the whole's, as the counter has it ($i)"
done
ht --exact --color=never --sort=peak ./threads
unlike "$err" 'true peak' "--exact: no bound is stated"
ht --color=never --sort=peak ./threads
like "$err" 'true peak less than .* above' "without: the bound is stated"
peak=$(printf '%s\n' "$err" | sed -n 's/.*peak \/ total     : \([0-9.]*\) KB.*less than \([0-9.]*\) KB above.*/\1 \2/p')
[ "$(printf '%s\n' "$peak" | awk '{ print (402.176 >= $1 && 402.176 < $1 + $2) ? "within" : "outside" }')" = within ]
ok $? "and the true peak is within" || diag "$peak"
# A backtrace's own peak, reached in small steps, when the whole heap's is elsewhere and all of it is gone.
cat >waves.c <<'C'
#include <stdlib.h>
static __attribute__((noinline)) void wave(int count)
{
	void *blocks[10];
	for (int i = 0; i < count; i++) blocks[i] = malloc(100);
	for (int i = 0; i < count; i++) free(blocks[i]);
}
int main(void)
{
	for (int i = 1; i <= 10; i++) wave(i);
	free(malloc(100000));
	return 0;
}
C
${CC:-gcc} -O1 -fno-builtin -w -o waves waves.c || bail "compiled"
ht_json ./waves
is "$(json '.processes[0].backtraces[] | select(any(.frames[]; .function == "wave")) | "\(.peak_blocks) \(.peak_bytes) \(.at_peak_blocks) \(.live_blocks) \(.total_blocks)"')" \
	"10 1000 0 0 55" "one thread: own peaks are exact"
done_testing
