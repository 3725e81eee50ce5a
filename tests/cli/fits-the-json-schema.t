#!/bin/sh
# SPDX-License-Identifier: MIT
# Whatever the options, the JSON that heaptrace writes is valid by the schema that it comes with; a validator says so.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
schema=$SOURCE/tools/man/heaptrace.schema.json
python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null || skip_all "python3-jsonschema is missing"

# fits KIND NAME FILE...: all are of this kind
fits()
{
	kind=$1 name=$2
	shift 2
	run python3 "$SOURCE/tests/lib/schema.py" check "$schema" "$kind" "$@"
	is "$status:$out$err" "0:" "$name"
}
# by NAME OPTION...: a run, and what `report` makes of its snapshot
by()
{
	name=$1
	shift
	rm -f run.json* run.htrace*
	run "$HT" --format=json --outfile=run.json --save=run.htrace "$@"
	is "$status" 0 "$name: runs"
	"$HT" report --format=json run.htrace >run.json.report
	fits report "$name" run.json*
}

viewed=$GUESTS/viewed
by "a run" "$viewed" 5
by "--churn" --churn "$viewed" 5
by "--by-thread" --by-thread "$viewed" 5
by "--churn --by-thread --interval" --churn --by-thread --interval=10ms "$viewed" 5
by "--fold-recursion" --fold-recursion "$viewed" 5
for group in function module line thread; do
	by "--group=$group" --by-thread --churn --group=$group "$viewed" 5
done
by "filters" --module=viewed --through=main --min-size=20 "$viewed" 5
printf 'leak:walk\nmain\n' >rules
by "--ignore" --ignore=rules "$viewed" 5
at_least "$(json '.processes[0].ignored.backtraces' run.json)" 1 "some are ignored"
by "--depth=1" --depth=1 "$viewed" 5
is "$(json '[.processes[].backtraces[].truncated] | any' run.json)" true "some are truncated"
by "--no-lines --exact" --no-lines --exact "$viewed" 5
by "children" sh -c "'$GUESTS/leak' 2 20 & '$GUESTS/leak' 3 30; wait; exit 0"
by "a child that was not traced" sh -c "env -i LD_PRELOAD= '$GUESTS/leak'; exit 0"
by "ends by a signal" sh -c "'$GUESTS/ends-segv'; '$GUESTS/ends-abort'; exit 0"
by "executes another" sh -c "exec '$GUESTS/leak' 2 20"
by "nothing live" true
cp "$GUESTS/leak" "$(printf 'odd\377 "name"\n')"
by "names that are no text" "$(printf './odd\377 "name"')" 2 20
ht --format=json sh -c "'$viewed' 5; '$GUESTS/leak'"
mv out one.json
fits report "one document with all processes" one.json
strip -o stripped "$viewed" && by "without symbols" ./stripped 5

start "$HT" --format=json --outfile=running.json "$GUESTS/hang"
wait_until 60 file_has "$T/bg.out" ready
guest=
for child in $(children "$pid"); do
	case $(readlink "/proc/$child/exe") in */hang) guest=$child;; esac
done
run "$HT" dump --format=json "$guest"
mv out dump.json
is "$status:$err" "0:" "heaptrace dump: runs"
fits report "heaptrace dump" dump.json
is "$(json '.processes[0].how_it_ended' dump.json)" running "of a program that runs"
kill -9 "$guest" "$pid" 2>/dev/null

for grown in 5 25 15; do ht --outfile=/dev/null --save=$grown.htrace "$viewed" $grown; done
run "$HT" diff --format=json 5.htrace 25.htrace
mv out two.json
run "$HT" diff --format=json 5.htrace 25.htrace 15.htrace
mv out three.json
run "$HT" diff --flame-graph=total --format=json 5.htrace 5.htrace
mv out none.json
is "$(json .metric none.json)" total "of another metric"
fits difference "differences" two.json three.json none.json
ht --interval=10ms --outfile=/dev/null --save=sliced.htrace "$GUESTS/sorting"
"$HT" report --slices --format=json sliced.htrace >slices.json
fits slices "slices" slices.json
"$HT" report --window=.. --format=json sliced.htrace >window.json
fits difference "a window" window.json
ht -q --outfile=report "$GUESTS/esp-dump" shapes
sed -n '/^--- json$/,/^--- top$/{/^---/d;p;}' out >dumped.json
fits dump "a dump of heap_trace" dumped.json
ht -q --outfile=report "$GUESTS/esp-tohost" sample sample.trace
"$HT" report -j sample.trace >trace.json
fits trace "a trace of heap_trace_init_tohost()" trace.json

# The validator can say no: a field missing, a wrong type, a wrong kind.
refused()
{
	run python3 "$SOURCE/tests/lib/schema.py" check "$schema" report bad.json
	is "$status" 1 "refused: $1"
}
jq 'del(.processes[0].totals.live_bytes)' one.json >bad.json && refused "a field is missing"
jq '.processes[0].backtraces[0].live_bytes |= tostring' one.json >bad.json && refused "a number in quotes"
jq '.processes[0].backtraces[0].frames[0].address = 4096' one.json >bad.json && refused "an address that is a number"
cp two.json bad.json && refused "a difference is no report"
done_testing
