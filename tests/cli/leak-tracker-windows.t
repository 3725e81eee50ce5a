#!/bin/sh
# SPDX-License-Identifier: MIT
# Tracking from one point to another: one tracker at a time, whatever the order of calls; with threads and children; and
# programs that are not traced.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

build()
{
	name=$1
	shift
	${CC:-gcc} -std=gnu11 -g -O1 -fno-builtin -fno-inline -Wall -Wextra -Wno-unused-parameter -I "$SOURCE/include" "$@" -o "$name" "$name.c" -pthread -ldl ||
		bail "$name was built"
}
build_cxx()
{
	${CXX:-g++} -std=gnu++17 -g -O1 -Wall -I "$SOURCE/include/heaptrace" -o "$1" "$2" -pthread -ldl || bail "$1 was built"
}

cat >order.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <errno.h>
#include <stdlib.h>

void *kept[3];

int main(void)
{
	struct leak_tracker_stats stats;

	leak_tracker_end();
	printf("end before start %d\n", leak_tracker_end_to(-1, &stats));
	printf("no records %d\n", leak_tracker_start(0));
	printf("too many %d\n", leak_tracker_start((size_t)-1, 1));
	printf("start %d\n", leak_tracker_start(10));
	kept[0] = malloc(11);
	printf("again %d\n", leak_tracker_start(10, 10));
	kept[1] = malloc(22);
	errno = 99;
	printf("end %d", leak_tracker_end_to(-1, &stats));
	printf(" errno %d: %d leaks, %d bytes, %d heap, %d with backtraces\n", errno, (int)stats.leaks, (int)stats.bytes, (int)stats.heap,
	       (int)stats.backtraces_found);
	printf("allocations %d frees %d most %d lost %d\n", (int)stats.allocations, (int)stats.frees, (int)stats.most_blocks, (int)stats.lost);
	printf("end again %d\n", leak_tracker_end_to(-1, &stats));
	printf("leaks %d\n", (int)stats.leaks);
	printf("start %d\n", leak_tracker_start());
	kept[2] = realloc(kept[0], 100000);
	kept[2] = realloc(kept[2], 10);
	leak_tracker_end_to(-1, &stats);
	printf("after two reallocs %d of %d bytes\n", (int)stats.leaks, (int)stats.bytes);
	return 42;
}
EOF
cat >expected <<'EOF'
end before start 0
no records 0
too many 0
start 1
again 0
end 1 errno 99: 2 leaks, 33 bytes, 2 heap, 2 with backtraces
allocations 2 frees 0 most 2 lost 0
end again 0
leaks 0
start 1
after two reallocs 1 of 10 bytes
EOF
cat >expected.err <<'EOF'
Leak tracker not running
Leak tracker not running
Leak tracker not started: it needs at least one heap record
Leak tracker not started: no memory for so many records
Leak tracker already running
Leak tracker not running
EOF
build order
ht -q --outfile=report.txt ./order
is "$status" 42 "wrong calls change nothing about the exit status"
same out expected "each call says what it did"
same err expected.err "and why it did not"

cat >cycles.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int descriptors(void)
{
	int count = 0;
	DIR *directory = opendir("/proc/self/fd");

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* In KB, counted in the page tables: the figure of statm is an estimate. */
static long resident(void)
{
	char line[256];
	long size = -1;
	FILE *file = fopen("/proc/self/smaps_rollup", "r");

	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "Private_Dirty: %ld", &size);
	if (file)
		fclose(file);
	return size;
}

int main(void)
{
	int before = 0, wrong = 0;
	long size = 0;

	for (int i = 0; i < 1000; i++) {
		struct leak_tracker_stats stats;
		void *leak;

		wrong += !leak_tracker_start(1000, 1000);
		leak = malloc(100);
		for (int j = 0; j < 100; j++)
			free(malloc(50));
		leak_tracker_end_to(i % 100 ? -1 : 1, &stats);
		wrong += stats.leaks != 1 || stats.bytes != 100;
		free(leak);
		if (i == 200) {
			before = descriptors();
			size = resident();
		}
	}
	fprintf(stderr, "wrong %d, descriptors %d, memory %s\n", wrong, descriptors() - before, size >= 0 && resident() - size < 200 ? "same" : "more");
	return 0;
}
EOF
build cycles
ht -q --outfile=report.txt ./cycles
is "$err" "wrong 0, descriptors 0, memory same" "a thousand times: right each time, no descriptor and no memory is left"

cat >threads.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void *blocks[5];
static int turn[2];

static void *cleaner(void *unused)
{
	char c;

	if (read(turn[0], &c, 1) == 1)
		for (int i = 0; i < 5; i++)
			free(blocks[i]);
	return NULL;
}

static void *leaker(void *unused)
{
	return malloc(84);
}

int main(void)
{
	struct leak_tracker_stats stats;
	pthread_t thread;
	void *leaks[3];
	int status;

	if (pipe(turn))
		return 1;
	pthread_create(&thread, NULL, cleaner, NULL);
	leak_tracker_start(1000, 1000);
	for (int i = 0; i < 5; i++)
		blocks[i] = malloc(1000);
	if (write(turn[1], "x", 1) != 1) /* freed by another thread, later */
		return 1;
	pthread_join(thread, NULL);
	leak_tracker_end_to(-1, &stats);
	printf("freed by another thread: %d leaks\n", (int)stats.leaks);

	pthread_create(&thread, NULL, leaker, NULL);
	pthread_join(thread, &leaks[0]);
	free(leaks[0]);
	leak_tracker_start(1000, 1000);
	leaks[0] = malloc(400000);
	leaks[1] = malloc(40);
	pthread_create(&thread, NULL, leaker, NULL);
	pthread_join(thread, &leaks[2]);
	leak_tracker_end_to(1, &stats);
	printf("heap, arenas, mapped, other: %d %d %d %d; together %d\n", (int)stats.heap >= 1, (int)stats.arenas, (int)stats.mapped,
	       (int)stats.other, stats.heap + stats.arenas + stats.mapped + stats.other == stats.leaks);

	/* A child goes on with a tracker of its own. */
	leak_tracker_start(1000, 1000);
	leaks[0] = malloc(10);
	fflush(stdout);
	if (fork() == 0) {
		leaks[1] = malloc(20);
		leak_tracker_end_to(-1, &stats);
		printf("child: %d bytes\n", (int)stats.bytes);
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	leak_tracker_end_to(-1, &stats);
	printf("parent: %d bytes\n", (int)stats.bytes);
	return 0;
}
EOF
build threads
ht -q --outfile=report.txt ./threads
is "$status" 0 "threads and a child"
like "$out" '^freed by another thread: 0 leaks$' "what another thread frees before the end is no leak"
like "$out" '^heap, arenas, mapped, other: 1 1 1 0; together 1$' "where blocks lie: regions add up"
like "$out" '^Address: 0x[0-9a-f]* (arena)$' "a thread's arena is named"
like "$out" '^Address: 0x[0-9a-f]* (mmap)$' "and a mapped block"
like "$out" '^child: 30 bytes$' "a fork child has a tracker of its own"
like "$out" '^parent: 10 bytes$' "and the parent keeps its own"

# C and C++ with each number of arguments, position independent or not; where nothing traces.
cat >arguments.c <<'EOF'
#include "heaptrace/leak_tracker.h"

int main(void)
{
	bool started = leak_tracker_start();
	started |= leak_tracker_start(10);
	started |= leak_tracker_start(10, 10);
	struct memory_snapshot before = capture_memory_snapshot();
	print_memory_delta();
	print_memory_delta("label");
	print_memory_delta("label", &before);
	print_detailed_memory_stats("label");
	analyze_heap_fragmentation();
	leak_tracker_end();
	return started;
}
EOF
sed 's/struct memory_snapshot/memory_snapshot/; s/&before/before/; s,heaptrace/leak_tracker.h,memory_tracker.hpp,' arguments.c >arguments.cc
for how in "-pie -fPIE" "-no-pie -fno-pie"; do
	# Words on purpose.
	# shellcheck disable=SC2086
	build arguments $how -std=c99 -pedantic
	run ./arguments
	is "$status:$out" 0: "C, $how: untraced it runs, and prints nothing"
	is "$(sort -u "$T/err" | sed 's/: this.*//' | tr '\n' ' ')" "leak tracker: not started leak tracker: nothing to end " "but says that it is not traced"
	ht -q --outfile=report.txt ./arguments
	is "$status" 1 "traced it tracks"
	like "$out" '^   MEMORY DELTA: label$' "and prints figures"
done
build_cxx arguments_cxx arguments.cc
run ./arguments_cxx
is "$status:$out" 0: "C++: untraced it runs"
ht -q --outfile=report.txt ./arguments_cxx
is "$status" 1 "and traced it tracks"
like "$out" '^Heap used: +0 bytes$' "nothing has changed between two calls"
like "$out" '^   MEMORY STATS: label$' "figures of the heap"
like "$out" '^Fragmentation: [0-9]*\.[0-9][0-9] %$' "and of its fragmentation"
cat >figures.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <malloc.h>
#include <stdlib.h>

int main(void)
{
	struct memory_snapshot before = capture_memory_snapshot(), after;
	struct mallinfo2 info = mallinfo2();
	void *block = malloc(100000);

	after = capture_memory_snapshot();
	printf("%d %d %d\n", before.heap_used == info.uordblks, after.heap_used - before.heap_used >= 100000, before.process_resident > 100000);
	free(block);
	return 0;
}
EOF
if ${CC:-gcc} -I "$SOURCE/include" -o figures figures.c -ldl 2>/dev/null; then
	ht -q --outfile=report.txt ./figures
	is "$out" "1 1 1" "figures are those of mallinfo2"
else
	skip "figures are those of mallinfo2" "this C library has none"
fi

# In a cage where every other system call is the end.
cat >cage.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void *kept[3];

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)), ALLOW(SYS_write), ALLOW(SYS_exit_group), ALLOW(SYS_brk),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(*filter), filter};
	struct leak_tracker_stats stats;
	int wrong = 0;

	free(malloc(10));
	leak_tracker_end_to(-1, &stats);
	if (argc > 1)
		leak_tracker_start(1000, 1000);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(9);
	for (int round = 0; round < 20; round++) {
		if (argc < 2 || round)
			wrong += !leak_tracker_start(1000, 1000);
		for (int i = 0; i < 3; i++)
			kept[i] = malloc(10 + i);
		leak_tracker_end_to(round ? -1 : 1, &stats);
		wrong += stats.leaks != 3 || stats.bytes != 33;
		for (int i = 0; i < 3; i++)
			free(kept[i]);
	}
	_exit(wrong ? 1 : 0);
}
EOF
build cage
for when in "" before; do
	# shellcheck disable=SC2086
	ht -q --outfile=report.txt ./cage $when
	case $status in
	9) skip "tracking in a seccomp cage" "no seccomp here";;
	*) is "$status" 0 "tracking in a seccomp cage, ${when:+begun }${when:-begun inside}"
	like "$out" '^Total leaks: 3 allocations, 33 bytes (0.03 KB)$' "with a report";;
	esac
done

# The reference's examples.
build_cxx connection "$SOURCE/tests/examples/leak-tracker-connection.cc"
ht -q --outfile=report.txt ./connection
is "$status" 0 "a connection's example"
is "$(grep -c '   LEAKED ALLOCATIONS' out)" 1 "one report, of the third connection"
like "$out" '^Total leaks: 1 allocations, 84 bytes (0.08 KB)$' "what it leaves behind"
like "$out" '^--- 0x[0-9a-f]*: onNewConnection(std::.*) at .*leak-tracker-connection.cc:46$' "and where that comes from"
build_cxx periodic "$SOURCE/tests/examples/leak-tracker-periodic.cc"
ht -q --outfile=report.txt ./periodic 2
is "$(grep -c '   LEAKED ALLOCATIONS' out)" 2 "a report every now and then"
like "$out" '^Size: 100 bytes$' "of what was left meanwhile"
like "$out" ': work() at .*leak-tracker-periodic.cc:5[0-9]$' "with its place"
done_testing
