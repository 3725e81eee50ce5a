#!/bin/sh
# SPDX-License-Identifier: MIT
# A run whose launcher, collector and program were all killed leaves its directory behind: a later run removes it, but
# none that is in use, still needed, or not of a run.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
rundirs() { ls -d "$TMPDIR"/heaptrace-* 2>/dev/null; }

# begin NAME: a run that goes on; $launcher, $program, $directory, and descriptor 9 keeps it going
begin()
{
	mkfifo "$1.fifo"
	MARK=$T/$1 "$HT" --save="$T/$1.%p.htrace" "$GUESTS/serve" <"$1.fifo" >"$1.out" 2>"$1.err" &
	launcher=$!
	reap_later $launcher
	exec 9>"$1.fifo"
	wait_until 20 file_has "$1.out" ready || bail "$1: the server came up"
	program=$(children $launcher | tr -d ' ')
	reap_later "$program"
	collector=$(collector "$launcher" "MARK=$T/$1")
	[ -n "$collector" ] || bail "$1: found the collector"
	directory=$(tr '\000' '\n' <"/proc/$program/environ" | sed -n 's,^LD_PRELOAD=\(.*\)/[^/]*$,\1,p')
}
# old DIRECTORY: made long ago
old() { touch -d '10 minutes ago' "$1"; }
gone_directory() { [ ! -e "$1" ]; }

begin stale
touch "$directory/kept-0.htrace" # as runs that end in one document have
kill -9 "$launcher" "$collector" "$program"
exec 9>&-
wait "$launcher" 2>/dev/null
[ -d "$directory" ]
ok $? "all killed: the directory stays"
stale=$directory
ht "$GUESTS/leak"
[ -d "$stale" ]
ok $? "a young one is left alone"
old "$stale"

begin needed
kill -9 "$launcher" "$collector"
wait "$launcher" 2>/dev/null
old "$directory"
needed=$directory needed_program=$program
exec 8>&9

begin living
old "$directory"
mkdir "$TMPDIR/heaptrace-others" && touch "$TMPDIR/heaptrace-others/file" && old "$TMPDIR/heaptrace-others"
ht "$GUESTS/leak"
is "$status" 0 "another run"
wait_until 20 gone_directory "$stale"
ok $? "a stale directory is removed"
[ -S "$directory/socket" ]
ok $? "that of a living run is not"
[ -S "$needed/socket" ]
ok $? "one whose program still runs is not"
[ -e "$TMPDIR/heaptrace-others/file" ]
ok $? "what only has the name is not"
kill -9 "$needed_program"
wait_until 20 gone "$needed_program"
exec 8>&- 9>&-
wait "$launcher"
is "$?" 0 "the living run ends as it should"
wait_until 20 gone_directory "$needed"
ok $? "and removes what is not needed any more"
rm -r "$TMPDIR/heaptrace-others"
wait_until 20 gone_directory "$directory"
is "$(rundirs)" "" "nothing is left"
done_testing
