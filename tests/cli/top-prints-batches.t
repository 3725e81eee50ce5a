#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace top --batch: the same figures as plain text; errors for what cannot be watched.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

serve --color=never --outfile="$T/report" "$GUESTS/serve"

ht top --count=1 "$program"
is "$status" 0 "one refresh"
is "$(grep -c '^heaptrace top: ' out)" 1 "and no more"
like "$out" "^heaptrace top: serve (pid $program), up 0:" "process and pid"
like "$out" '^live *1\.100 KB in 10 blocks, peak 1\.100 KB' "exact figures"
like "$out" '^rate *not known yet; ever 1\.10 KB in 10$' "rates are not made up"
like "$out" '^memory *RSS [0-9.]* [KM]B; allocator' "memory"
like "$out" '^ 1\.10 KB *10 .* 1\.10 KB *1\.10 KB  leak < main$' "the backtrace"
unlike "$out" "$(printf '\033')" "no escape sequences"
ht top --count=1 $pid
like "$out" "^heaptrace top: serve (pid $program)" "the launcher's pid stands for its program"

"$HT" top --batch --refresh=100ms --sort=growth "$program" >batch.out 2>batch.err 9>&- &
watcher=$!
reap_later $watcher
wait_until 20 file_has batch.out '^heaptrace top'
echo >&9
wait_until 20 file_has batch.out '^ *50 B *1 .* +50 B'
ok $? "what came later has grown"
like "$(cat batch.out)" 'GROWTH\*' "--sort"
for _ in 1 2 3 4; do echo >&9; done
wait_until 20 file_has batch.out '^live  *1\.350 KB in 15 blocks'
ok $? "refreshes go on"
exec 9>&-
wait $watcher
is "$?" 0 "it ends with the program"
like "$(grep '^heaptrace top' batch.out | tail -1)" 'ENDED: exit 0' "and says how that ended"
like "$(grep '^live' batch.out | tail -1)" '1\.350 KB in 15 blocks' "with its last figures"
wait $pid
is "$?" 0 "the program has not noticed"

ht top --count=2 --refresh=100ms --top=1 --program-output=said -- "$GUESTS/hang" &
reap_later $!
wait_until 20 test -s said
program=$(pgrep -n -f "^$GUESTS/hang" 2>/dev/null || pidof -s "$GUESTS/hang")
kill "$program"
wait $!
like "$(cat said)" ready "--program-output"
ht top --batch --program-output=/dev/null -- "$GUESTS/leak" 1 1 3
is "$status" 3 "the program's exit status"
like "$(grep '^heaptrace top' out | tail -1)" 'leak (pid [0-9]*), ENDED: exit 3' "and how it ended"
for _ in 1 2 3; do
	ht top --batch --program-output=/dev/null -- env A=b "$GUESTS/leak" 1 1 6
	is "$status" 6 "the status of what is executed"
	like "$(grep '^heaptrace top' out | tail -1)" 'leak (pid [0-9]*), ENDED: exit 6' "which is what is watched then"
done
# Thousands of children that come and go: the collector tells less then, but never nothing of the program itself.
ht top --batch --refresh=100ms --program-output=/dev/null -- "$GUESTS/fork-thousand"
is "$status" 0 "a thousand children"
like "$(grep '^heaptrace top' out | tail -1)" 'fork-thousand (pid [0-9]*), ENDED: exit 0' "do not hide the end of the program"
ht top --batch -- sh -c 'echo to stdout; echo to stderr >&2; exit 4'
is "$status" 4 "status of one that failed"
like "$err" '^to stdout' "its last words are shown"
like "$err" '^to stderr' "both"

ht top --count=1 $$
is "$status" 125 "not traced: 125"
like "$err" "heaptrace top: process $$ is not traced; start the program with" "says so, as dump does"
ht top --count=1 999999999
is "$status" 125 "gone: 125"
like "$err" 'there is no process 999999999' "names it"
for bad in abc -1 0 12x; do
	ht top --count=1 "$bad"
	is "$status" 125 "top '$bad': 125"
done
ht top --count=1 "$GUESTS/leak"
like "$err" 'heaptrace top -- PROGRAM' "a program needs --, and the message says so"
ht top
is "$status" 125 "nothing to watch: 125"
ht top --count=1 1 2
is "$status" 125 "two pids: 125"
ht top --count=0 1
is "$status" 125 "--count=0: 125"
ht top --refresh=1ms 1
is "$status" 125 "--refresh=1ms: 125"
ht top --sort=age 1
is "$status" 125 "--sort=age: 125"
like "$err" 'size, count, growth, rate, peak and total' "the keys are named"
ht top --max-live=1 1
is "$status" 125 "an option of another command: 125"
run env TERM=dumb "$HT" top --help
is "$status" 0 "--help"
# The library alone, without a launcher: its file is read.
serve_alone HEAPTRACE_SAVE="$T/alone.htrace" "$GUESTS/serve"
ht top --count=1 $pid
like "$out" "^heaptrace top: serve (pid $pid), up 0:" "a program without a launcher"
like "$out" '^live *1\.100 KB in 10 blocks' "its figures"
"$HT" top --batch --refresh=100ms $pid >batch.out 2>batch.err 9>&- &
watcher=$!
reap_later $watcher
wait_until 20 file_has batch.out '^heaptrace top'
kill -9 $pid
wait $watcher
is "$?" 0 "it ends with it"
like "$(grep '^heaptrace top' batch.out | tail -1)" 'ENDED: nobody saw how' "though nobody saw how"
like "$(grep '^memory' batch.out | tail -1)" 'RSS [0-9]' "the last RSS is known"
exec 9>&-

if nobody_works; then
	"$GUESTS/hang" >/dev/null &
	reap_later $!
	as_nobody "$HT" top --count=1 $!
	is "$status" 125 "not ours: 125"
	like "$err" 'belongs to another user' "says so"
else
	skip "not ours" "needs root, setpriv and a build directory that others may enter"
fi
done_testing
