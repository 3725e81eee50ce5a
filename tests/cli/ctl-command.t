#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace ctl PID switches the tracing of a running program; --start=off begins without.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# Does what the lines of its input say: +N allocates N blocks of 10 bytes and keeps them, - frees all; answers each line.
cat >program.c <<'C'
#include <stdlib.h>
#include <unistd.h>
static void *kept[100000];
static int count;
int main(void)
{
	char line[16], c;
	int n = 0;
	write(1, "ready\n", 6);
	while (read(0, &c, 1) == 1) {
		if (c != '\n') { line[n++ & 15] = c; continue; }
		line[n & 15] = 0;
		if (line[0] == '-') { while (count) free(kept[--count]); }
		else for (int i = atoi(line + 1); i > 0; i--) kept[count++] = malloc(10);
		write(1, line, (size_t)n);
		write(1, "\n", 1);
		n = 0;
	}
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -o program program.c || bail "compiled"

# The program is idle while ctl asks: it obeys at its next event.
tell() { echo "$1" >&9; wait_until 20 file_has bg.out "^$1"; : >bg.out; }
figures() { "$HT" dump --format=json "$program" | jq -r '.processes[0] | .totals | "\(.allocations) \(.frees) \(.live_blocks)"'; }

serve --outfile="$T/report" ./program
tell +5
is "$(figures)" "5 0 5" "tracing is on"
ht ctl "$program" status
is "$out" "$program recording" "and ctl says so"
ht ctl "$program" stop
is "$status" 0 "ctl stop"
like "$out" "obeys (stop) as soon as it does" "says that the program is idle"
tell -
tell +7
ht ctl "$program" status
is "$out" "$program stopped" "it has stopped"
is "$(figures)" "5 5 0" "new blocks are not seen, frees of old ones are"
ht dump --sort=total "$program"
like "$out" "while recording was stopped; it still is" "the report says so"
ht ctl "$program" resume
tell -
tell +3
ht ctl "$program" status
is "$out" "$program recording" "resumed"
is "$(figures | cut -d' ' -f3)" 3 "new blocks are seen again"
ht ctl -q "$program" reset
tell +1
tell +1
is "$(figures | cut -d' ' -f3)" 1 "reset: only what came later"
tell -
is "$(figures)" "1 1 0" "blocks from before are not counted when they are freed"
tell +5
ht ctl -q "$program" start
tell +1 # it obeys
tell +2
is "$(figures | cut -d' ' -f3)" 2 "start, while it records: only what comes later"
exec 9>&-
wait $pid
is "$?" 0 "the program's status"

serve --start=off --outfile="$T/report" ./program
tell +5
is "$(figures)" "0 0 0" "--start=off: nothing is recorded"
ht ctl "$pid" start
tell +4
sleep 0.02
tell +2
[ "$(figures | cut -d' ' -f3)" -ge 2 ]
ok $? "ctl start, by the launcher's pid" || diag "$(figures)"
run "$HT" ctl "$program" dump --format=json
is "$(jq -r '.processes[0].pid' out)" "$program" "ctl dump"
exec 9>&-
wait $pid

for bad in "$$ stop" "abc stop" "1" "$$ explode" "" "999999999 stop"; do
	# shellcheck disable=SC2086
	ht ctl $bad
	is "$status" 125 "ctl $bad: 125"
	[ -n "$err" ]
	ok $? "with a message"
done
ht --start=maybe true
is "$status" 125 "--start=maybe: 125"

serve_alone HEAPTRACE_START=off HEAPTRACE_SAVE="$T/alone.htrace" ./program
program=$pid
tell +5
ht ctl "$program" status
is "$out" "$program stopped" "stand-alone: HEAPTRACE_START=off"
ht ctl "$program" start
for n in 1 2 3 4 5 6 7 8; do tell +1; sleep 0.01; done
ht ctl "$program" status
is "$out" "$program recording" "stand-alone: ctl start"
exec 9>&-
wait $program
done_testing
