#!/bin/sh
# SPDX-License-Identifier: MIT
# The collector killed in the middle: the program does not notice, the launcher says so and reports what the segment
# holds. A segment scribbled over by the program: a report, whatever it says, and never a crash.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

serve --format=json --outfile="$T/report" "$GUESTS/serve"
collector=$(collector "$pid")
if [ -z "$collector" ]; then
	fail "found the collector"
else
	pass "found the collector ($collector)"
	# shellcheck disable=SC2086
	kill -9 $collector
	echo >&9
	wait_until 20 file_has bg.out leaked
	ok $? "the program does not notice"
	exec 9>&-
	wait $pid
	is "$?" 0 "its status"
	like "$(cat bg.err)" 'collector' "the launcher says so"
	is "$(json '.processes[0].totals.live_bytes' report)" 1150 "and reports what the segment holds"
fi
exec 9>&-

# It can not be reached: the program runs on, and the summary says what is missing.
for gone in socket settings .; do
	ht --color=never sh -c "rm -rf \"\${LD_PRELOAD%/*}/$gone\" 2>/dev/null || rm -rf \"\${LD_PRELOAD%/*}\"; \"\$GUESTS/leak\" 1 1 6; exit \$?"
	is "$status" 6 "no $gone in the run's directory: the program runs"
done
ht --color=never sh -c 'rm "${LD_PRELOAD%/*}/socket"; "$GUESTS/leak" 1 1 6; exit $?'
like "$err" 'not seen: child [0-9]*: .*/leak$' "the summary names what was not traced"

cat >scribble.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	unsigned seed = atoi(argv[1]);
	char line[1000], *segments[64];
	size_t sizes[64], n = 0;
	for (int i = 0; i < 100; i++) if (!malloc(10)) return 1;
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		if (n < 64 && strstr(line, "rw-s") && sscanf(line, "%lx-%lx", &from, &to) == 2) { segments[n] = (char *)from; sizes[n++] = to - from; }
	}
	if (!n) return 2;
	for (int i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		size_t s = (seed >> 8) % n, at = (size_t)(seed >> 4) * 977 % sizes[s];
		segments[s][at] = seed >> 16;
	}
	_Exit(3);
}
C
${CC:-gcc} -w -o scribble scribble.c || bail "compiled"
bad=0
for seed in 1 2 3 4 5 6 7 8 9 10 11 12; do
	rm -f "$T/json"
	TIMEOUT=60 run "$HT" --format=json --outfile="$T/json" ./scribble $seed
	case $status in
	3) ;;
	*) bad=$((bad + 1)); diag "seed $seed: status $status: $err";;
	esac
	jq -e .version "$T/json" >/dev/null 2>&1 || like "$err" 'heaptrace' "seed $seed: a message where there is no report"
done
is "$bad" 0 "a scribbled segment: the program's status, 12 times"
done_testing
