#!/bin/sh
# SPDX-License-Identifier: MIT
# Every format: of a run that allocated nothing, and to where nothing can be written.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
formats="collapsed json pprof heap_v2 speedscope dhat massif csv html"

echo 'int main(void) { return 3; }' >empty.c
${CC:-gcc} -o empty empty.c || bail "compiled"
ht --outfile=/dev/null --save=empty.htrace ./empty
ht --outfile=/dev/null --save=full.htrace "$GUESTS/viewed" 5
is "$("$HT" report --format=json empty.htrace | jq '.processes[0].totals.allocations')" 0 "a program that never allocated"

# valid FORMAT FILE: as its readers want it, without the readers that may be missing
valid()
{
	case $1 in
	json | speedscope | dhat) jq -e . "$2" >/dev/null 2>&1;;
	collapsed) [ ! -s "$2" ];;
	pprof) python3 "$SOURCE/tests/lib/pprof.py" "$2" >/dev/null 2>&1;;
	heap_v2) grep -q '^heap profile: 0: 0 \[0: 0\] @ heap_v2/1$' "$2" && grep -q '^MAPPED_LIBRARIES:$' "$2";;
	massif) grep -q '^snapshot=0$' "$2" && grep -q '^mem_heap_B=0$' "$2";;
	csv) [ "$(wc -l <"$2")" -eq 1 ] && grep -q '^pid,program,' "$2";;
	html) grep -q '</html>' "$2";;
	esac
}

for format in $formats; do
	run "$HT" export --format=$format --outfile=out.$format empty.htrace
	is "$status" 0 "$format: nothing is exported"
	valid $format out.$format
	ok $? "$format: which is a valid document"
	run "$HT" --format=$format --outfile=run.$format ./empty
	is "$status" 3 "$format: of a run: the program's status"
	valid $format run.$format
	ok $? "$format: and a valid document"

	run "$HT" export --format=$format --outfile=/dev/full full.htrace
	is "$status:$out" "125:" "$format: --outfile on a full device: 125"
	like "$err" '^heaptrace export: --outfile=/dev/full cannot be written: No space left on device; ' "$format: says what, why and what to do"
	"$HT" export --format=$format full.htrace >/dev/full 2>err
	is "$?" 125 "$format: stdout on a full device: 125"
	like "$(cat err)" '^heaptrace export: .*stdout: No space left on device' "$format: says so"
	run "$HT" export --format=$format --outfile=missing/file full.htrace
	is "$status" 125 "$format: a directory that is missing: 125"
	run "$HT" --format=$format --outfile=/dev/full "$GUESTS/ends-segv"
	is "$status" 125 "$format: on a run: refused before the program starts"
	like "$err" 'No space left on device' "$format: and why"
	env -u _ "$HT" --format=$format sh -c "'$GUESTS/leak' 2 20; exit 3" >/dev/full 2>err </dev/null
	is "$?" 3 "$format: when that shows at the end only, it is the program's status"
	like "$(cat err)" 'No space left on device' "$format: and a message"
done
is "$(find . -name '*.tmp*' -o -name 'out.*.*' | wc -l)" 0 "nothing half-written is left"

# What was there before a failed export stays.
echo before >kept
run "$HT" export --format=json --outfile=kept --ignore=missing full.htrace
is "$status:$(cat kept)" "125:before" "what was there before an export that failed stays"
done_testing
