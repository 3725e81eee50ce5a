#!/bin/sh
# SPDX-License-Identifier: MIT
# heap_trace inside of a leak tracker's window, both under heaptrace: each has its own figures.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >both.c <<'EOF'
#include "heaptrace/esp_heap_trace.h"
#include "heaptrace/leak_tracker.h"

static heap_trace_record_t records[100];
void *kept[4];

int main(void)
{
	struct leak_tracker_stats stats;
	heap_trace_summary_t summary;

	leak_tracker_start(100, 100);
	kept[0] = malloc(10);
	heap_trace_init_standalone(records, 100);
	heap_trace_start(HEAP_TRACE_LEAKS);
	kept[1] = malloc(20);
	kept[2] = malloc(30);
	free(kept[0]);
	heap_trace_stop();
	kept[3] = malloc(40);
	leak_tracker_end_to(-1, &stats);
	heap_trace_summary(&summary);
	printf("tracker: %d leaks of %d bytes\n", (int)stats.leaks, (int)stats.bytes);
	printf("heap_trace: %d records, %d allocations, %d frees, first of %d bytes\n", (int)summary.count, (int)summary.total_allocations,
	       (int)summary.total_frees, (int)records[0].size);
	return 0;
}
EOF
${CC:-gcc} -std=gnu11 -g -O1 -fno-builtin -Wall -Wextra -I "$SOURCE/include" -o both both.c -ldl || bail "both was built"
ht --format=json --outfile=json ./both
like "$out" '^tracker: 3 leaks of 90 bytes$' "heap_trace inside of a tracker's window: the tracker's report is right"
like "$out" '^heap_trace: 2 records, 2 allocations, 1 frees, first of 20 bytes$' "and heap_trace's"
is "$(jq '[.processes[0].backtraces[] | select(any(.frames[]; .function == "main")) | select(any(.frames[]; .function == "printf") | not) | .total_blocks] | add' json)" 4 \
	"and so are heaptrace's own counts"

# The tracker wants more frames than heap_trace has room for: neither takes the other's.
cat >narrow.c <<'EOF'
#define CONFIG_HEAP_TRACING_STACK_DEPTH 2
#include "heaptrace/esp_heap_trace.h"
#include "heaptrace/leak_tracker.h"
#include <stdio.h>
#include <string.h>

static heap_trace_record_t records[3];
static void *kept[4];

__attribute__((noinline)) static void deep(int n, int i)
{
	if (n)
		deep(n - 1, i);
	else
		kept[i] = malloc(10);
	__asm__ volatile("");
}

int main(void) /* printf() takes a block for the tracker too */
{
	struct leak_tracker_stats stats;
	heap_trace_record_t record;

	leak_tracker_start(100, 100);
	heap_trace_init_standalone(records, 3);
	heap_trace_start(HEAP_TRACE_LEAKS);
	for (int i = 0; i < 3; i++)
		deep(20, i);
	free(kept[0]);
	deep(20, 0); /* into the first one's place, in front of the others */
	heap_trace_stop();
	for (int i = 0; i < 3; i++) {
		heap_trace_get((i + 2) % 3, &record); /* it is the youngest one */
		printf("%d: %d %d %d %d %d\n", i, (int)record.size, record.address == kept[i], !!record.alloced_by[1], !!record.freed_by[0],
		       !memcmp(&record, &records[i], sizeof(record)));
	}
	leak_tracker_end_to(-1, &stats);
	printf("tracker: %d leaks, %d backtraces\n", (int)stats.leaks, (int)stats.backtraces_found);
	return 0;
}
EOF
${CC:-gcc} -std=gnu11 -g -O1 -fno-builtin -fno-optimize-sibling-calls -w -I "$SOURCE/include" -o narrow narrow.c -ldl || bail "narrow was built"
ht --outfile=report ./narrow
is "$status:$out" "0:0: 10 1 1 0 1
1: 10 1 1 0 1
2: 10 1 1 0 1
tracker: 4 leaks, 4 backtraces" "each keeps as many frames as it has room for"
done_testing
