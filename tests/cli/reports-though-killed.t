#!/bin/sh
# SPDX-License-Identifier: MIT
# Somebody is killed while a report is being made: the launcher (the report comes all the same), the process that makes it
# (another one does it again). Nothing is ever half there, and nothing lies beside it.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# An addr2line that says that it is at work, and whose work, and waits until it may go on.
cat >slow <<S
#!/bin/sh
echo "\$PPID" >>"$T/started"
while [ ! -e "$T/go" ]; do sleep 0.05; done
exec addr2line "\$@"
S
chmod +x slow
mkdir reports
begin() # OPTIONS...: $pid
{
	rm -rf go started reports/* reports/.h* 2>/dev/null
	"$HT" --no-cache --addr2line="$T/slow" --outfile="$T/reports/report" "$@" "$GUESTS/leak" 10 110 3 >bg.out 2>bg.err &
	pid=$!
	reap_later $pid
	wait_until 30 test -s started || bail "a report is being made"
}
nothing_else() { is "$(ls -A reports)" report "nothing beside it"; }

for format in text json html; do
	begin --format=$format
	kill -9 "$pid"
	wait "$pid"
	is "$(ls -A reports)" "" "$format: nothing is there before it is whole"
	: >go
	wait_until 30 test -s reports/report
	ok $? "$format: the launcher killed, the report comes"
	like "$(cat reports/report)" 'leak\.c' "$format: whole"
	nothing_else
done

for format in text json; do
	begin --format=$format
	kill -9 "$(head -n 1 started)"
	: >go
	wait "$pid"
	is "$?" 3 "$format: the renderer killed: the program's status"
	is "$(sort -u started | wc -l)" 2 "$format: it is made again"
	like "$(cat reports/report)" 'leak\.c' "$format: whole"
	nothing_else
done
is "$(totals reports/report)" "10 0 1100 10 1100" "and exact"

# A document of the whole run, of which one process's part is made again.
rm -f go started
"$HT" --no-cache --addr2line="$T/slow" --format=json "$GUESTS/leak" 10 110 3 >document 2>bg.err &
pid=$!
reap_later $pid
wait_until 30 test -s started
: >go
wait $pid
is "$(totals document)" "10 0 1100 10 1100" "a document"

# A file that was there stays until the new one is whole.
begin --format=json
echo before >reports/report
kill -9 "$(head -n 1 started)"
wait_until 30 sh -c '[ "$(sort -u started | wc -l)" -ge 2 ]'
is "$(cat reports/report)" before "what was there is there until then"
: >go
wait "$pid"
is "$(totals reports/report)" "10 0 1100 10 1100" "and is replaced"
nothing_else
done_testing
