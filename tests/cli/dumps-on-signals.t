#!/bin/sh
# SPDX-License-Identifier: MIT
# USR1 and USR2, to the launcher's pid and to the program's, while it runs; nothing is lost in a storm.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# begin OPTIONS...: the traced server, and no report of the last one
begin()
{
	rm -f report*
	serve --color=never --outfile="$T/report" "$@" "$GUESTS/serve"
}
finish() { exec 9>&-; wait "$pid"; status=$?; }

begin
kill -USR1 $pid
wait_until 20 file_has report 'sorted by size'
ok $? "USR1 to the launcher: a dump by size"
like "$(cat report)" 'USR1' "the header says why"
like "$(cat report)" 'size/peak: 1\.100 KB' "with the figures so far"
echo >&9
wait_until 20 file_has bg.out leaked
kill -USR2 $pid
wait_until 20 file_has report 'sorted by count'
ok $? "USR2 to the launcher: a dump by count"
like "$(cat report)" 'heap traced allocation size  : 1\.150 KB' "with what came since"
dumps=$(grep -c 'dump allocation status' report)
kill -USR1 "$program"
wait_until 20 file_count report 'dump allocation status' $((dumps + 1))
ok $? "USR1 to the program"
finish
is "$status" 0 "the program ended by itself"
is "$(grep -c finalized report)" 1 "and the last report is there"
like "$(tail -20 report)" 'size  : 1\.150 KB' "complete"

begin
i=0
while [ $i -lt 100 ]; do kill -USR1 $pid; kill -USR2 "$program"; i=$((i + 1)); done
echo >&9
wait_until 20 file_has bg.out leaked
ok $? "200 signals block nothing"
wait_until 20 file_has report 'sorted by count'
ok $? "and dumps were made"
finish
is "$status" 0 "status"
is "$(grep -c 'num of backtrace : ' report)" "$(grep -c 'dump allocation status' report)" "no report is cut or mixed"
like "$(tail -20 report)" 'size  : 1\.150 KB' "the last one is complete"

begin --signals=HUP
kill -HUP "$program"
wait_until 20 file_has report 'sorted by size'
ok $? "--signals=HUP"
finish
is "$status" 0 "status"
begin --signals=none
kill -USR1 $pid
wait $pid
is "$?" 138 "--signals=none: USR1 to the launcher is passed on, and deadly as without us"
exec 9>&-
begin --format=json
kill -USR1 $pid
wait_until 20 jq -e '.processes[0].how_it_ended == "running"' report
ok $? "json in a file: a whole document, \"running\""
is "$(totals report)" "10 0 1100 10 1100" "with the figures so far"
echo >&9
wait_until 20 file_has bg.out leaked
finish
is "$(json '.processes[0].how_it_ended' report)" exit:0 "replaced by the last one"
is "$(totals report)" "11 0 1150 11 1150" "with the last figures"
done_testing
