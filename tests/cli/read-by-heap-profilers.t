#!/bin/sh
# SPDX-License-Identifier: MIT
# gperftools' google-pprof and jemalloc's jeprof read the heap_v2 export, find the names by themselves, and come to the
# figures of the JSON report; so does Go's pprof.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
program=$GUESTS/viewed
setarch -R true 2>/dev/null || skip_all "addresses are different in each run: setarch -R is not allowed"
for grown in 5 25; do
	run setarch -R "$HT" --outfile=/dev/null --save=$grown.htrace "$program" $grown
	run "$HT" export --format=heap_v2 --outfile=$grown.heap $grown.htrace
	is "$status:$err" "0:" "export"
	"$HT" report --format=json $grown.htrace >$grown.json
done

# of OUTPUT: FLAT CUMULATIVE NAME of the functions of the program itself, as figures.py says them. Addresses are all that
# these readers have, so they subtract runs only where those are the same.
of() { sed 's/ (inline)$//' "$1" | sed -n 's/^ *\([-0-9]*\) *[-0-9.]*% *[-0-9.]*% *\([-0-9]*\) *[-0-9.]*% \(.*\)$/\1 \2 \3/p' | grep -e ' \(innermost\|middle\|outer\|walk\|pass\|grow\|work\|main\)\((.*)\)*$' | sed 's/(.*//' | sort; }
figures() { python3 "$SOURCE/tests/lib/figures.py" functions "$1" "$2" | grep -e ' \(innermost\|middle\|outer\|walk\|pass\|grow\|work\|main\)\((.*)\)*$' | sed 's/(.*//' | sort; }

for reader in google-pprof jeprof; do
	if ! command -v $reader >/dev/null; then
		skip "$reader reads it" "$reader is missing"
		continue
	fi
	while read -r option field; do
		run $reader --text --show_bytes --nodecount=1000000 --nodefraction=0 --edgefraction=0 --$option "$program" 5.heap
		is "$status" 0 "$reader --$option reads it"
		of out >seen
		figures "$field" 5.json >expected
		at_least "$(wc -l <expected)" 4 "$reader --$option: functions to compare"
		same seen expected "$reader --$option: the figures of the JSON report"
	done <<'LIST'
inuse_space live_bytes
inuse_objects live_blocks
alloc_space total_bytes
alloc_objects total_blocks
LIST
	run $reader --text --show_bytes --inuse_space --base=5.heap "$program" 25.heap
	like "$(of out)" '^2000 2000 grow$' "$reader --base: what grew"
	run $reader --collapsed --show_bytes "$program" 5.heap
	is "$(sed -n 's/.*;grow.* \([0-9]*\)$/\1/p' out)" 500 "$reader --collapsed"
	ht --outfile=/dev/null --save=nothing.htrace true
	"$HT" export --format=heap_v2 --outfile=nothing.heap nothing.htrace
	run $reader --text --show_bytes "$program" nothing.heap
	is "$status" 0 "$reader: nothing live"
	is "$(of out)" "" "and it finds none"
done

if command -v go >/dev/null; then
	export HOME="$T" PPROF_TMPDIR="$T" GOTOOLCHAIN=local GOTELEMETRY=off GOFLAGS=
	run go tool pprof -top -unit=B -nodecount=1000000 -nodefraction=0 -sample_index=inuse_space "$program" 5.heap
	if [ "$status" -ne 0 ] && grep -q 'no such tool' err; then
		skip "go tool pprof reads it" "go tool pprof does not run here"
	else
		is "$status" 0 "go tool pprof reads it"
		like "$out" '500B *[0-9.]*% *[0-9.]*% *500B *[0-9.]*%  grow' "and finds the names"
	fi
else
	skip "go tool pprof reads it" "go (golang-go) is missing"
fi
done_testing
