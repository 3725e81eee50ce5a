#!/bin/sh
# SPDX-License-Identifier: MIT
# --by-thread: each backtrace says which thread allocated, by name and number; one thread after another on the same stack
# are two; what another thread frees stays with who allocated.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >threads.c <<'C'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *kept[5][10];
static __attribute__((noinline)) void fill(int n, size_t size)
{
	for (int i = 0; i < 10; i++) kept[n][i] = malloc(size);
}
static void *work(void *argument)
{
	int n = (int)(long)argument;
	char name[16];
	snprintf(name, sizeof(name), "worker-%d", n);
	pthread_setname_np(pthread_self(), name);
	fill(n, 100 * n);
	return NULL;
}
int main(void)
{
	pthread_t thread;
	for (long i = 1; i <= 3; i++) { /* one after the other: they get the same stack */
		pthread_create(&thread, NULL, work, (void *)i);
		pthread_join(thread, NULL);
	}
	for (int i = 0; i < 4; i++) free(kept[2][i]);
	fill(4, 7);
	if (fork() == 0) {
		fill(0, 3);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
C
${CC:-gcc} -pthread -fno-builtin -o threads threads.c || bail "compiled"
by='[.backtraces[] | select(any(.frames[]; .function == "fill")) | "\(.thread.name) \(.live_blocks) \(.live_bytes) \(.total_blocks)"] | sort | .[]'
ht_json --by-thread ./threads
is "$status" 0 "status"
is "$(json ".processes[0] | $by")" "threads 10 70 10
worker-1 10 1000 10
worker-2 6 1200 10
worker-3 10 3000 10" "each thread's blocks, by its name"
is "$(json ".processes[1] | $by")" "threads 10 30 10" "and a child's"
is "$(json '[.processes[0].backtraces[].thread.tid] | unique | length')" 4 "four threads have four numbers"
is "$(json '.processes[0] | .pid as $pid | [.backtraces[].thread | select(.name == "threads").tid] | unique == [$pid]')" true "the first one's is the process's"
ht --by-thread --color=never ./threads
like "$err" '=== backtrace #1 === .*3\.000 KB.* \[thread: worker-3 [0-9]*\]' "in the text report"
is "$(printf '%s\n' "$err" | grep -c '\[thread: worker-[123] ')" 3 "for each of them"
ht_json ./threads
is "$(json '[.processes[0].backtraces[] | select(any(.frames[]; .function == "work"))] | length')" 1 "without it they are one backtrace"
is "$(json '[.processes[0].backtraces[] | has("thread")] | any')" false "and no thread is named"
ht --by-thread --save=kept.htrace --outfile=report ./threads
run "$HT" report --format=json kept.htrace
is "$(jq -r "[.processes[0] | $by] | length" out)" 4 "in a snapshot"

# A thread may be given its name, or another one, when it has long allocated.
cat >renamed.c <<'C'
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
static void *volatile kept;
static __attribute__((noinline)) void fill(void) { kept = malloc(10); }
int main(void)
{
	char c;
	fill();
	write(1, "ready\n", 6);
	while (read(0, &c, 1) == 1) {
		if (c == 'n') prctl(PR_SET_NAME, "named late");
		fill();
	}
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -o renamed renamed.c || bail "compiled"
mkfifo in
start sh -c 'exec "$1" --by-thread --outfile="$2" ./renamed <in' sh "$HT" "$T/late"
exec 9>in
wait_until 20 file_has bg.out ready || bail "the program came up"
program=$(children "$pid" | tr -d ' ')
of_fill() { "$HT" dump --format=json "$program" | jq -r "[.processes[0].backtraces[] | select(any(.frames[]; .function == \"fill\"))] | $1"; }
is "$(of_fill 'map(.thread.name) | unique | join(" ")')" "renamed" "a thread's first name"
printf n >&9
is_named() { printf . >&9 && of_fill 'map(.thread.name) | unique | join(" ")' | grep -qx 'named late'; }
wait_until 20 is_named
ok $? "and the one that it is given later" || diag "$(of_fill 'map(.thread.name)')"
is_later() { printf . >&9 && of_fill 'any(.last_ns > .first_ns)' | grep -qx true; }
wait_until 20 is_later
ok $? "the last time that a backtrace was seen"
exec 9>&-
done_testing
