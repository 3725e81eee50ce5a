#!/bin/sh
# SPDX-License-Identifier: MIT
# Backtraces that come back from the root by another path each time, thousands in a row: each is itself, whoever asked
# through which entry point, in which thread, however many frames are kept, and what has much in common afterwards too.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >paths.c <<'C'
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#define STEPS 12
#define PATHS 64
#define ROUNDS 100
typedef void step(int path, int left);
static step f0, f1, f2, f3, leaf;
static step *const steps[] = {f0, f1, f2, f3};
static void *(*const entries[])(size_t) = {malloc, valloc};

/* Two digits of a path's number by turns: the first function called is another one than the last time. */
static void go(int path, int left)
{
	(left ? steps[left % 2 ? path & 3 : path >> 2 & 3] : leaf)(left % 4 ? path : path >> 4 | (path & 15) << 2, left - 1);
	__asm__ volatile("");
}
static void f0(int path, int left) { go(path, left); __asm__ volatile(""); }
static void f1(int path, int left) { volatile char room[100]; room[0] = 1; go(path, left); __asm__ volatile(""); }
static void f2(int path, int left) { volatile char room[200]; room[0] = 1; go(path, left); __asm__ volatile(""); }
static void f3(int path, int left) { volatile char room[300]; room[0] = 1; go(path, left); __asm__ volatile(""); }
static void leaf(int unused, int left)
{
	extern __thread int size, entry;

	free(entries[entry](size)); /* the same place, whichever it is */
}
__thread int size, entry;

static void *work(void *unused)
{
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < PATHS; i++) {
			size = 1000 + i;
			entry = round & 1;
			go(i, STEPS);
		}
	for (int i = 0; i < PATHS; i++)
		for (int round = 0; round < ROUNDS; round++) {
			size = 1000 + i;
			entry = round & 1;
			go(i, STEPS);
		}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	work(NULL);
	pthread_create(&thread, NULL, work, NULL);
	pthread_join(thread, NULL);
	return 0;
}
C
${CC:-gcc} -O1 -fno-builtin -fno-inline -fno-optimize-sibling-calls -w -pthread -o paths paths.c || bail "compiled"

# figures: how many backtraces, paths, and paths with their sizes; blocks that each has; backtraces of each entry point
figures()
{
	json '[.processes[0].backtraces[] | select(.frames[1].function == "leaf")
		| {blocks: .total_blocks, entry: .frames[0].function, size: (.total_bytes / .total_blocks),
		   path: ([.frames[].function | select(test("^f[0-3]$"))] | join(""))}]
		| "\(length) \(map(.path) | unique | length) \(map([.path, .size]) | unique | length) \(map(.blocks) | unique) \(group_by(.entry) | map(length))"'
}
ht_json ./paths
is "$status" 0 "status"
is "$(figures)" "512 64 64 [50] [256,256]" "from two places, of two threads: each path has its own blocks, by each entry point"
is "$(json '[.processes[0].backtraces[] | select(.frames[1].function == "leaf") | .truncated] | any')" false "nothing is cut"
ht_json --by-thread ./paths
is "$(figures)" "512 64 64 [50] [256,256]" "the same with --by-thread"
is "$(json '[.processes[0].backtraces[] | select(.frames[1].function == "leaf") | .thread.tid] | group_by(.) | map(length) | tostring')" "[256,256]" "a half for each thread"
ht_json --depth=26 ./paths # the steps and what goes between them: no more
is "$(figures)" "128 64 64 [200] [64,64]" "--depth: where they began is cut off, so threads and places are one"
done_testing
