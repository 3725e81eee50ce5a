#!/bin/sh
# SPDX-License-Identifier: MIT
# --outfile and --save: %p, %n, %%, one file for each process, nothing overwritten within a run, devices in place.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

ht --outfile="r.%n.%p.%%" "$GUESTS/leak"
is "$(ls r.* | sed 's/\.[0-9][0-9]*\./.PID./')" "r.leak.PID.%" "%n, %p and %%"
pid=$(ls r.* | cut -d. -f3)
like "$(cat r.leak.*)" "/proc/$pid/maps (leak)" "%p is the program's pid"

ht --format=json --outfile=tree.json sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30; :"
is "$(ls tree.json* | wc -l)" 3 "without %p: FILE and FILE.PID"
is "$(json '.processes[0].command[0]' tree.json)" sh "FILE is the first process's"
is "$(for file in tree.json.*; do json '.processes[0] | "\(.totals.live_bytes) \(.pid)"' "$file" | sed "s/ ${file#tree.json.}\$/ pid/"; done | sort | tr '\n' ' ')" \
	"40 pid 90 pid " "FILE.PID are the others'"

ht --format=json --outfile=chain.json "$GUESTS/exec-chain" 3
is "$(for file in chain.json*; do json '.processes[] | .totals.live_blocks' "$file"; done | sort | tr '\n' ' ')" "1 2 3 " "three images under one pid: none overwritten"

ht --outfile=text sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30; :"
is "$(cat text* | grep -c 'num of backtrace : ')" "$(cat text* | grep -c 'dump allocation status')" "text: whole reports"
is "$(cat text.* | grep -c '(leak) sorted by size')" 2 "of both children"

echo old >kept && ln kept other
ht --outfile=kept "$GUESTS/leak"
is "$(cat other)" old "a regular file is replaced, not written over"
like "$(cat kept)" '=== backtrace' "and holds the report"
mkfifo fifo
cat fifo >from-fifo & reader=$!
reap_later $reader
ht --outfile=fifo "$GUESTS/leak"
wait $reader
[ -p fifo ] && grep -q '=== backtrace' from-fifo
ok $? "a FIFO is written in place"
ht --outfile=/dev/stdout --color=never "$GUESTS/leak"
like "$out" '=== backtrace' "/dev/stdout"
is "$(ls -d .[a-zA-Z]* ./*.tmp ./*~ 2>/dev/null)" "" "nothing is left aside"
ht --save="s.%n.htrace" "$GUESTS/leak"
[ -s s.leak.htrace ]
ok $? "--save knows %n"
like "$err" '=== backtrace' "and the text report is there too"
ln -s there.txt dangling
ht --outfile=dangling "$GUESTS/leak"
is "$(readlink dangling)" there.txt "a link to what is not there yet stays a link"
like "$(cat there.txt)" 'dump allocation status' "and what it names is made"

echo old >target && chmod 640 target && ln -s target link
ht --outfile=link "$GUESTS/leak"
is "$(readlink link)" target "a link stays a link"
like "$(cat target)" '=== backtrace' "what it names is replaced"
is "$(stat -c %a target)" 640 "and keeps its rights"
mkdir 'in %p of %n' && cd 'in %p of %n' || exit 1
ht --outfile=here "$GUESTS/leak"
like "$(cat here)" '=== backtrace' "in a directory's name % means nothing"
cd ..
is "$(ls -d in*)" 'in %p of %n' "nor is another one made"

done_testing
