#!/bin/sh
# SPDX-License-Identifier: MIT
# Signal handlers that allocate at any moment, inside our own code too: each block is counted or named as nested.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >handler.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>
static volatile long inside;
static void *kept[100000];
static void tick(int s)
{
	if (inside < 100000) kept[inside++] = malloc(10);
	free(malloc(20));
}
int main(void)
{
	struct sigaction a = {.sa_handler = tick};
	struct itimerval often = {{0, 100}, {0, 100}}, never = {{0}};
	char text[64];
	long n = 0;
	sigaction(SIGALRM, &a, 0);
	setitimer(ITIMER_REAL, &often, 0);
	while (inside < 3000) { free(malloc(30)); free(realloc(malloc(5), 50)); n++; }
	setitimer(ITIMER_REAL, &never, 0);
	signal(SIGALRM, SIG_IGN);
	for (long i = 0; i < inside; i += 2) free(kept[i]);
	/* allocations, frees, live blocks */
	write(1, text, sprintf(text, "%ld %ld %ld\n", 3 * n + 2 * inside, 3 * n + inside + (inside + 1) / 2, inside / 2));
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -O1 -o handler handler.c || bail "compiled"
ht_json env true
rm -f json
run env LD_PRELOAD="$BUILD/tests/bump.so" "$HT" --format=json --outfile="$T/json" ./handler
is "$status" 0 "status"
is "$(json '.processes[0] | "\(.totals.allocations + .unseen.nested_allocations) \(.totals.live_blocks <= .totals.allocations)"')" \
	"$(cut -d' ' -f1 out) true" "counted and nested together are all"
nested=$(json '.processes[0].unseen.nested_allocations')
live=$(json '.processes[0].totals.live_blocks')
expected=$(cut -d' ' -f3 out)
[ "$live" -le "$expected" ] && [ "$live" -ge $((expected - nested)) ]
ok $? "live blocks are right but for the nested ones" || diag "live $live, expected $expected, nested $nested"
is "$(json '.processes[0].totals | .live_blocks == .allocations - .frees')" true "live = allocated - freed"
done_testing
