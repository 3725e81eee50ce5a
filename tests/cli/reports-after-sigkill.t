#!/bin/sh
# SPDX-License-Identifier: MIT
# kill -9: of the program, of the launcher first and then of the program, and by timeout. The report is exact.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

begin()
{
	rm -f report
	serve --format=json --outfile="$T/report" "$GUESTS/serve"
	reap_later "$program"
}

begin
kill -9 "$program"
wait $pid
is "$?" 137 "the program killed: the launcher's status"
is "$(totals report)" "10 0 1100 10 1100" "exact"
is "$(json '.processes[0].how_it_ended' report)" signal:SIGKILL "how it ended"
exec 9>&-

begin
kill -9 $pid
wait $pid
kill -0 "$program"
ok $? "the launcher killed: the program lives on"
echo >&9
wait_until 20 file_has bg.out leaked
ok $? "and works"
kill -9 "$program"
wait_until 30 jq -e . report
ok $? "then the program killed: still a report"
is "$(totals report)" "11 0 1150 11 1150" "exact"
exec 9>&-

begin
kill -9 $pid
wait $pid
exec 9>&-
wait_until 30 jq -e . report
ok $? "the launcher killed, the program ends by itself: a report"
is "$(totals report)" "10 0 1100 10 1100" "exact"

serve --color=never "$GUESTS/serve"
kill -9 "$program"
wait $pid
like "$(cat bg.err)" 'size  : 1\.100 KB' "text on stderr after SIGKILL"
exec 9>&-

run timeout -s KILL 2 "$HT" --version
is "$status" 0 "(timeout works)"
ht_json timeout -s KILL 1 "$GUESTS/hang"
is "$(json '.processes[] | select(.command[0] | endswith("hang")) | "\(.how_it_ended) \(.totals.live_bytes)"')" "signal:SIGKILL 1100" "killed by timeout"
ht_json timeout 1 "$GUESTS/hang"
is "$(json '.processes[] | select(.command[0] | endswith("hang")) | "\(.how_it_ended) \(.totals.live_bytes)"')" "signal:SIGTERM 1100" "ended by timeout"
is "$status" 124 "with timeout's status"
done_testing
