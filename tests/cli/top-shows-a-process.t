#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace top PID on terminals of several kinds: exact figures as they change, keys, resizing, the program's end, and the
# terminal as it was before.
. "${0%/*}/../lib/tap.sh"
# shellcheck source=tests/lib/screen.sh
. "$SOURCE/tests/lib/screen.sh"
command -v python3 >/dev/null || skip_all "python3 is missing"
cd "$T" || exit 1
export TERM=xterm # where nothing else is said: there may be none

# begin: a guest in the background that leaks 50 bytes for each line it gets
begin() { serve --color=never --outfile="$T/report" "$GUESTS/serve"; }

# let_end NAME: it goes on to its own end
let_end()
{
	exec 9>&-
	wait "$pid"
	is "$?" 0 "$1"
}

for terminal in xterm-256color:C.UTF-8 vt100:C xterm:POSIX; do
	begin
	on=${terminal%%:*}
	screen "$HT" top --refresh=100ms "$program" <<EOF
env TERM=$on LC_ALL=${terminal#*:}
expect $on, process and pid: ^heaptrace top: serve \(pid $program\), up 0:
expect $on, exact live bytes: ^live +1\.100 KB in 10 blocks, peak 1\.100 KB
expect $on, the backtrace, allocator hidden: ^>1\.10 KB +10 +(-|0) +0 +(-|0) +leak < main$
shell echo >in
expect $on, more: ^live +1\.150 KB in 11 blocks
expect $on, its backtrace, grown since the start: ^ +50 B +1 +.* \+50 B .* leak < main$
keys g
expect $on, by growth: GROWTH\*
expect $on, what grew is first: ^> +50 B +1 +.*\+50 B
keys b
expect $on, a new baseline: ^> *[0-9.]+ .?B +[0-9]+ +0 +0 +0 +leak < main
keys l down
expect $on, the cursor moves: ^> +50 B
keys enter
expect $on, exact figures of one: ^live +50 bytes in 1 block$
expect $on, its frames, with lines: main \+0x[0-9a-f]+ \(.*serve\.c:[0-9]+\)
expect $on, the entry point is the first: ^ +0  malloc$
keys esc / n o s u c h
expect $on, filtered as it is typed: no backtrace matches
keys backspace backspace backspace backspace backspace backspace l e a
expect $on, some match: BACKTRACE with "lea" \(2 of 2\)
keys esc
expect $on, filter cleared: BACKTRACE \(2\)
keys h
expect $on, help: growth counts from now
keys esc space
expect $on, paused: PAUSED
shell echo >in
keys j k
expect $on, still as it was: in 11 blocks
keys space
expect $on, goes on: in 12 blocks
keys i 0 . 2 5 enter
expect $on, a typed interval: a refresh every 0\.25 s
keys +
expect $on, a longer one: a refresh every 0\.5 s
keys -
expect $on, a shorter one: a refresh every 0\.2 s
keys i x enter
expect $on, nonsense is not taken: 'x' is no time
keys w
expect $on, a snapshot: wrote .*/heaptrace\.serve\.$program\.htrace
keys w
expect $on, and another one beside it: wrote .*/heaptrace\.serve\.$program\.htrace\.2
resize 30 5
expect $on, too small: too small: 30x5
resize 120 20
expect $on, large again, with more columns: TOTAL +BACKTRACE
expect $on, and more in them: ^>.*leak < main$
resize 80 24
keys q
ends $on, leaves with 0: 0
restored $on, the terminal is as before
understood $on, nothing unknown was sent
EOF
	ht report --format=json "heaptrace.serve.$program.htrace"
	is "$(jq -c '.processes[0].totals | [.live_blocks, .live_bytes]' out)" "[12,1200]" "$on, the snapshot has the figures"
	let_end "$on, the program has not noticed"
done

begin
screen "$HT" top --refresh=100ms "$program" <<EOF
expect it is watched: ^live +1\.100 KB in 10 blocks
shell kill -TERM $program
expect how it ended is said: ENDED: killed by SIGTERM
expect the last figures stay: ^live +1\.100 KB in 10 blocks
keys w
expect and can be saved: wrote
keys enter
expect and looked at: main \+0x[0-9a-f]+ \(.*serve\.c:[0-9]+\)
keys esc q
ends leaves with 0: 0
restored the terminal is as before
EOF
exec 9>&-

for signal in TERM:143 INT:130 HUP:129 SEGV:139 ABRT:134; do
	if sanitized && [ "${signal%:*}" = SEGV ]; then
		skip SEGV "the sanitizer handles it"
		continue
	fi
	begin
	screen "$HT" top "$program" <<EOF
expect ${signal%:*}, it is watched: in 10 blocks
signal ${signal%:*}
ends ${signal%:*}, it ends by it: ${signal#*:}
restored ${signal%:*}, the terminal is as before
EOF
	let_end "${signal%:*}, the program goes on to its end"
done

begin
screen "$HT" top "$program" <<EOF
expect it is watched: in 10 blocks
keys ctrl-z
shell_until it stops as others do: grep -q '^State:.T' /proc/\$SCREEN_PID/status
restored and gives the terminal back meanwhile
signal CONT
expect it comes back: in 10 blocks
hangup
ends the terminal goes away: 129
EOF
let_end "the program goes on to its end"

# The collector dies: figures go on, and the end is noticed, though not how it came.
begin
collector=
for directory in /proc/[0-9]*; do
	if tr '\0' ' ' 2>/dev/null <"$directory/cmdline" | grep -q -F -e "--outfile=$T/report" &&
		[ "${directory#/proc/}" != "$pid" ]; then
		collector="$collector ${directory#/proc/}"
	fi
done
screen "$HT" top --refresh=100ms "$program" <<EOF
expect it is watched: in 10 blocks
shell kill -9 $collector
expect the loss is said: collector lost
shell echo >in
expect figures go on: in 11 blocks
shell kill -9 $program
expect the end is noticed: ENDED
keys q
ends leaves with 0: 0
restored the terminal is as before
EOF
exec 9>&-
done_testing
