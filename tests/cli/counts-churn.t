#!/bin/sh
# SPDX-License-Identifier: MIT
# --churn: temporary blocks, sizes and reallocs are exact, per backtrace and in all, also in threads and children.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

ht_json --churn "$GUESTS/churn"
is "$status" 0 "status"
is "$(json '.processes[0].churn | "\(.temporary_blocks) \(.temporary_bytes) \(.reallocs)"')" "151 87400 4" "temporary blocks and reallocs"
is "$(json '.processes[0].churn | [.sizes[] | "\(.up_to):\(.blocks)"] | join(" ")')" "8:1 32:100 128:101 1024:1 8192:51 131072:1" "sizes"
is "$(json '.processes[0].churn | .moved_blocks <= .reallocs and .moved_bytes <= 8888')" true "what moved is no more than there was"
of() { json "[.processes[0].backtraces[] | select(any(.frames[]; .function == \"$1\")) | .churn] | \"\\([.[].temporary_blocks] | add) \\([.[].reallocs] | add)\""; }
is "$(of temporary)" "100 0" "of one function"
is "$(of in_between)" "50 0" "of another: only what was freed before the next allocation"
is "$(of grow)" "1 4" "and of one that reallocates"
is "$(json '[.processes[0].backtraces[].churn.sizes[].blocks] | add == 255')" true "every block has a size"

ht --churn --sort=temporary --color=never "$GUESTS/churn"
like "$err" '=== backtrace #1 ===.* \[temporary: 100 of 100\]' "--sort=temporary"
like "$err" 'heap traced temporary        : 151 of 255 blocks, 87.400 KB' "the summary"
like "$err" 'heap traced reallocs         : 4, ' "with reallocs"
like "$err" 'heap traced sizes in bytes   : <=8: 1, <=32: 100, <=128: 101, <=1Ki: 1, <=8Ki: 51, <=128Ki: 1$' "and sizes"
ht_json "$GUESTS/churn"
is "$(json '.processes[0] | has("churn"), (.backtraces[0] | has("churn"))' | xargs)" "false false" "without --churn: nothing"
ht --save=kept.htrace --churn --outfile=report "$GUESTS/churn"
run "$HT" report --format=json kept.htrace
is "$(jq '.processes[0].churn.temporary_blocks' out)" 151 "in a snapshot"
cat >many.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *work(void *unused) { for (int i = 0; i < 1000; i++) { free(malloc(40)); } return 0; }
int main(void)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, work, 0);
	for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
	if (fork() == 0) { work(0); _exit(0); }
	wait(0);
	return 0;
}
C
${CC:-gcc} -pthread -fno-builtin -o many many.c || bail "compiled"
ht_json --churn ./many
of_work='[.backtraces[] | select(any(.frames[]; .function == "work")) | .churn.temporary_blocks] | add'
is "$(json "[.processes[] | $of_work] | join(\" \")")" "4000 1000" "threads and children"
run env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_CHURN=1 HEAPTRACE_SAVE=alone.htrace "$GUESTS/churn"
run "$HT" report --format=json alone.htrace
is "$(jq '.processes[0].churn.temporary_blocks' out)" 151 "stand-alone: HEAPTRACE_CHURN=1"
done_testing
