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
ht --sort=size,temporary --color=never "$GUESTS/churn"
like "$err" '=== backtrace #1 ===.* \[temporary: 100 of 100\]' "--sort=temporary sets --churn"
ht_json "$GUESTS/churn"
is "$(json '.processes[0] | has("churn"), (.backtraces[0] | has("churn"))' | xargs)" "false false" "without --churn: nothing"
ht --save=kept.htrace --churn --outfile=report "$GUESTS/churn"
run "$HT" report --format=json kept.htrace
is "$(jq '.processes[0].churn.temporary_blocks' out)" 151 "in a snapshot"
ht --save=kept.htrace --outfile=report "$GUESTS/churn"
run "$HT" report --sort=temporary kept.htrace
like "$out" '^\[heaptrace\] temporary blocks were not counted: they are in runs with --churn$' "a snapshot without them says so"
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

# A program that does its own accounts: sizes on both sides of each limit, reallocs that moved and what they carried along,
# and a block of another thread at the address that was this one's last.
cat >accounts.c <<'C'
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static pthread_barrier_t barrier;
static void *volatile handed;
static unsigned reallocs, moved_blocks;
static size_t moved_bytes;
static void *grow(void *old, size_t from, size_t to)
{
	size_t before = (size_t)old;
	void *now = realloc(old, to);
	reallocs++;
	if ((size_t)now != before) {
		moved_blocks++;
		moved_bytes += from < to ? from : to;
	}
	return now;
}
static void sizes(void)
{
	free(malloc(0));
	for (int bits = 3; bits < 29; bits++) {
		free(malloc(((size_t)1 << bits) - 1));
		free(malloc((size_t)1 << bits));
		free(malloc(((size_t)1 << bits) + 1));
	}
	free(malloc(((size_t)1 << 29) + 1));
}
static void *other(void *unused)
{
	malloc(1); /* the thread's cache comes first */
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	handed = malloc(5000);
	pthread_barrier_wait(&barrier);
	return NULL;
}
static void hand(void)
{
	pthread_t thread;
	mallopt(M_ARENA_MAX, 1);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, other, NULL);
	pthread_barrier_wait(&barrier);
	void *mine = malloc(5000), *before = mine;
	free(mine);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	fprintf(stderr, "%s\n", handed == before ? "same address" : "another address");
	free(handed); /* not what this thread allocated last */
	pthread_join(thread, NULL);
}
static void moves(void)
{
	char *block = grow(malloc(100), 100, 20);
	char *behind = malloc(20);
	block = grow(block, 20, 2000);
	block = grow(block, 2000, 2000);
	block = grow(block, 2000, 300000);
	block = grow(block, 300000, 3000000);
	block = grow(block, 3000000, 10);
	free(malloc(10)); /* not realloc's */
	free(behind);
	free(block);
}
int main(int argc, char **argv)
{
	static char buffer[100];
	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	if (argc > 1)
		sizes();
	else
		hand();
	moves();
	printf("%u %u %zu\n", reallocs, moved_blocks, moved_bytes);
	return 0;
}
C
${CC:-gcc} -pthread -fno-builtin -fno-inline -w -o accounts accounts.c || bail "compiled"
churn_of() { json "[.processes[0].backtraces[] | select(any(.frames[]; .function == \"$1\")) | .churn]"; }
ht_json --churn ./accounts sizes
is "$status" 0 "sizes: status"
is "$(churn_of sizes | jq -r '[.[].sizes[]] | group_by(.up_to) | sort_by(.[0].up_to == null) | map("\(.[0].up_to):\(map(.blocks) | add)") | join(" ")')" \
	"8:3 $(n=16; while [ $n -le 268435456 ]; do printf '%s:3 ' $n; n=$((n * 2)); done)null:2" "blocks of each class, on both sides of its limits"
is "$(json '.processes[0].churn | "\(.reallocs) \(.moved_blocks) \(.moved_bytes)"')" "$out" "reallocs that moved, and what they copied"
ht_json --churn ./accounts
is "$status" 0 "threads: status"
like "$err" 'same address' "a block of another thread, where this one's last was"
is "$(churn_of hand | jq '[.[].temporary_blocks] | add') $(churn_of other | jq '[.[].temporary_blocks] | add')" "1 0" "is not temporary"
if sanitized; then
	skip "an allocator that always moves" "it would be preloaded into heaptrace too, which has the address sanitizer"
else
	rm -f json
	run env LD_PRELOAD="$BUILD/tests/bump.so" "$HT" --churn --format=json --outfile="$T/json" ./accounts
	is "$out" "6 6 304050" "an allocator that always moves"
	is "$(json '.processes[0].churn | "\(.reallocs) \(.moved_blocks) \(.moved_bytes)"')" "$out" "the smaller of both sizes is copied"
fi
run env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_CHURN=1 HEAPTRACE_SAVE=alone.htrace "$GUESTS/churn"
run "$HT" report --format=json alone.htrace
is "$(jq '.processes[0].churn.temporary_blocks' out)" 151 "stand-alone: HEAPTRACE_CHURN=1"
done_testing
