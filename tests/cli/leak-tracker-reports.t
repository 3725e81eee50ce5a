#!/bin/sh
# SPDX-License-Identifier: MIT
# The leak tracker's report, to the character: what was not freed, where it lies, with its own backtrace, and nothing of the
# tracker's own.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# build NAME [FLAGS]: NAME.c
build()
{
	name=$1
	shift
	${CC:-gcc} -std=gnu11 -g -O1 -fno-builtin -fno-inline -fno-optimize-sibling-calls -Wall -Wextra -I "$SOURCE/include" "$@" -o "$name" \
		"$name.c" -pthread -ldl || bail "$name was built"
}
# masked FILE: what differs from run to run, and the frames of the C library, under one name each
masked()
{
	sed 's/0x[0-9a-f][0-9a-f]*/ADDRESS/g; s/^  ADDRESS\(:ADDRESS\)*$/  ADDRESSES/; s/ free: [0-9][0-9]* KB$/ free: N KB/' "$1" |
		awk '!/^---/ || /: (first|second|main) at small/ || /LEAK/'
}

cat >small.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <stdlib.h>

void *kept[10];

void first(void)
{
	kept[0] = malloc(32);
	free(malloc(77));
}

void second(void)
{
	kept[1] = malloc(344);
}

int main(void)
{
	kept[9] = malloc(1000);
	if (!leak_tracker_start(100, 100))
		return 1;
	first();
	second();
	free(kept[9]);
	leak_tracker_end();
	return 0;
}
EOF
cat >expected <<'EOF'
========================================
   LEAKED ALLOCATIONS
========================================
Heap trace leak records: 2
Backtraces captured: 3

--- LEAK #1 ---
Address: ADDRESS (heap)
Size: 32 bytes
Backtrace (frame pointer unwinding):
  ADDRESSES
--- ADDRESS: first at small.c:8
--- ADDRESS: main at small.c:22

--- LEAK #2 ---
Address: ADDRESS (heap)
Size: 344 bytes
Backtrace (frame pointer unwinding):
  ADDRESSES
--- ADDRESS: second at small.c:14
--- ADDRESS: main at small.c:23

========================================
   LEAK SUMMARY
========================================
Total leaks: 2 allocations, 376 bytes (0.37 KB)
  Heap: 2 allocations
  Thread arenas: 0 allocations
  Mmap: 0 allocations
  Backtraces found: 2 / 2

Current heap status:
  Heap free: N KB
  System free: N KB
========================================
EOF
build small
ht -q --outfile=report.txt ./small
is "$status:$err" 0: "a program with two leaks"
masked out >said
same said expected "is told of them, in the words of the reference"
like "$out" '^  0x[0-9a-f]*:0x[0-9a-f]*' "its frames stand on one line"
is "$(sed -n 's/^  \(0x[0-9a-f:x]*\)$/\1/p' out | tr ':' '\n' | sort)" "$(sed -n 's/^--- \(0x[0-9a-f]*\): .*/\1/p' out | sort)" \
	"and each is named below, as far as names are known"

# 18 leaks, one of 336000 bytes, 394 allocations; the sizes are those of the reference's sample.
cat >eighteen.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <stdlib.h>
#include <unistd.h>

void *kept[18];

int main(void)
{
	leak_tracker_start(3000, 3000);
	kept[0] = malloc(336000);
	for (int i = 1; i < 17; i++)
		kept[i] = malloc(500);
	kept[17] = malloc(608);
	for (int i = 0; i < 376; i++)
		free(malloc(100 + i));
	leak_tracker_end();
	return 0;
}
EOF
build eighteen
ht -q --outfile=report.txt ./eighteen
like "$out" '^Heap trace leak records: 18$' "as many records as there are leaks: none of the tracker's buffers"
like "$out" '^Backtraces captured: 394$' "every allocation had its backtrace"
is "$(grep -c '^--- LEAK #' out)" 18 "each leak is listed"
is "$(sed -n 's/^--- LEAK #\([0-9]*\) ---$/\1/p' out | tr '\n' ' ')" "$(seq 18 | tr '\n' ' ')" "in the order of their allocation"
like "$out" '^Total leaks: 18 allocations, 344608 bytes (336.53 KB)$' "KB are 1024 bytes, with two decimals"
like "$out" '^  Backtraces found: 18 / 18$' "each with its backtrace"
is "$(sed -n 's/^  \(Heap\|Thread arenas\|Mmap\|Other\): \([0-9]*\) allocations$/\2/p' out | awk '{ sum += $1 } END { print sum }')" 18 "the regions add up"

cat >none.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <stdlib.h>

int main(void)
{
	leak_tracker_start();
	for (int i = 0; i < 100; i++)
		free(malloc(i));
	leak_tracker_end();
	return 0;
}
EOF
cat >expected <<'EOF'
========================================
   LEAKED ALLOCATIONS
========================================
Heap trace leak records: 0
Backtraces captured: 100

========================================
   LEAK SUMMARY
========================================
Total leaks: 0 allocations, 0 bytes (0.00 KB)
  Heap: 0 allocations
  Thread arenas: 0 allocations
  Mmap: 0 allocations
  Backtraces found: 0 / 0

Current heap status:
  Heap free: N KB
  System free: N KB
========================================
EOF
build none
ht -q --outfile=report.txt ./none
masked out >said
same said expected "nothing leaked: an empty list, and zeroes"

cat >few.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <stdlib.h>

void *kept[10];

int main(void)
{
	leak_tracker_start(1000, 5);
	for (int i = 0; i < 10; i++)
		kept[i] = malloc(10 + i);
	leak_tracker_end();
	leak_tracker_start(1000, 5);
	for (int i = 0; i < 10; i++)
		kept[i] = malloc(10 + i);
	for (int i = 0; i < 10; i += 2)
		free(kept[i]);
	for (int i = 0; i < 10; i += 2)
		kept[i] = malloc(20 + i);
	leak_tracker_end();
	leak_tracker_start(4, 0);
	for (int i = 0; i < 5000; i++)
		if (!malloc(1))
			return 1;
	leak_tracker_end();
	return 0;
}
EOF
build few
ht -q --outfile=report.txt ./few
awk -v RS='   LEAKED ALLOCATIONS' '{ print >("part" NR) }' out
is "$(grep -c '^Backtrace (frame pointer unwinding):$' part2)" 5 "five backtrace records: five leaks have one"
is "$(grep -c '^Backtrace: (not captured - buffer full or not FreeRTOS heap)$' part2)" 5 "and five do not"
is "$(sed -n '/Backtraces found/,/^$/p' part2)" "  Backtraces found: 5 / 10
  (NB: there was room for 5 backtraces at a time; raise backtrace_records to at least 10.)" "which is said, and what would do"
is "$(grep -c '^Backtrace (frame' part3)" 5 "what a freed block had is there for the next one"
like "$(cat part4)" '^Heap trace leak records: 5000$' "heap records grow with what is needed"
like "$(cat part4)" '^Backtraces captured: 0$' "no backtrace records: no backtraces"

# The same address, again and again: each leak shows the backtrace of its own allocation.
cat >reuse.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <stdlib.h>

void *kept;

void first(void)
{
	kept = malloc(200);
}

void second(void)
{
	kept = malloc(200);
}

int main(void)
{
	leak_tracker_start();
	first();
	void *before = kept;
	free(kept);
	second();
	kept = kept == before ? kept : NULL;
	leak_tracker_end();
	return kept ? 0 : 2;
}
EOF
build reuse
ht -q --outfile=report.txt ./reuse
is "$status" 0 "an address is given out again"
like "$out" '^--- 0x[0-9a-f]*: second at reuse.c:13$' "the backtrace is that of the last allocation"
unlike "$out" ': first at' "not of an earlier one"

# A long report goes out in parts.
cat >many.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <stdlib.h>

static void *keep(int depth)
{
	return depth ? keep(depth - 1) : malloc(16);
}

int main(void)
{
	leak_tracker_start(3000, 20000);
	for (int i = 0; i < 20000; i++)
		if (!keep(20))
			return 1;
	leak_tracker_end();
	return 0;
}
EOF
build many
run sh -c '"$HT" -q --outfile=report.txt ./many | awk "/^--- LEAK/ { leaks++ } /: keep at many.c:6/ { frames++ } /^Total leaks/ { print }
	END { print leaks, frames }"'
is "$out" "Total leaks: 20000 allocations, 320000 bytes (312.50 KB)
20000 420000" "20,000 leaks are all listed, with all their names"

# Without names, and without a collector: alone with the library.
run env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_SAVE="$T/alone.htrace" ./small
like "$out" '^Total leaks: 2 allocations, 376 bytes (0.37 KB)$' "the library alone writes the report too"
unlike "$out" '^--- 0x' "with addresses for names"

# Under another allocator nobody knows where a block lies.
jemalloc=$(find /usr/lib -name libjemalloc.so.2 2>/dev/null | head -1)
if [ -n "$jemalloc" ] && ! sanitized; then
	run env LD_PRELOAD="$jemalloc" "$HT" -q --outfile=report.txt ./small
	like "$out" '^Address: 0x[0-9a-f]* (other)$' "another allocator: (other)"
	like "$out" '^  Other: 2 allocations$' "counted as such"
	like "$out" '^  Heap free: n/a$' "and its heap is not known"
else
	skip "another allocator" "libjemalloc.so.2 is missing, or heaptrace is built with a sanitizer"
fi

# The words of the summary where figures are awkward, and names of functions that are inlined.
cat >awkward.c <<'EOF'
#include "heaptrace/leak_tracker.h"
#include <stdlib.h>

void *kept[30];

static inline __attribute__((always_inline)) void innermost(int i, size_t size) { kept[i] = malloc(size); }
__attribute__((noinline)) static void outer(int i, size_t size) { innermost(i, size); __asm__ volatile(""); }

int main(void)
{
	static const size_t halves[] = {128, 384, 640, 896, 4223};

	for (int i = 0; i < 5; i++) {
		leak_tracker_start(100, 3);
		outer(i, halves[i]);
		leak_tracker_end();
	}
	leak_tracker_start(100, 3);
	for (int i = 10; i < 30; i++)
		kept[i] = malloc(1);
	for (int i = 14; i < 30; i++)
		free(kept[i]);
	leak_tracker_end();
	return 0;
}
EOF
${CC:-gcc} -std=gnu11 -g -O1 -fno-builtin -Wall -Wextra -I "$SOURCE/include" -o awkward awkward.c -ldl || bail "awkward was built"
ht -q --outfile=report.txt ./awkward
is "$(sed -n 's/^Total leaks: 1 allocations, \([0-9]*\) bytes (\(.*\) KB)$/\1 \2/p' out)" "$(for bytes in 128 384 640 896 4223; do
	awk -v bytes=$bytes 'BEGIN { printf "%d %.2f\n", bytes, bytes / 1024 }'
done)" "halves of a hundredth are rounded as printf does"
is "$(sed -n 's/^--- 0x[0-9a-f]*: \(innermost at awkward.c:6\)$/\1/p; s/^---  (inlined by) \(outer at awkward.c:7\)$/\1/p' out | uniq -c | awk '{ print $1, $2 }' | head -2)" \
	"1 innermost
1 outer" "inlined functions say so"
like "$out" 'raise backtrace_records to at least 20\.' "what would have been enough is the most blocks at a time, not what is left"
done_testing
