# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Real programs: the same stdout, stderr and exit status as untraced; on those that do the same every time also the
# totals that the counter has. A program that is missing is a failure: scripts/install-deps.sh --full brings it.

export TAP_SOURCE="${0%/*}/../.."
# shellcheck source=tests/lib/tap.sh
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
mkdir home
export HOME="$T/home" LANG=C TZ=UTC PYTHONHASHSEED=0 PERL_HASH_SEED=0 PYTHONDONTWRITEBYTECODE=1

need()
{
	for tap_program in "$@"; do
		command -v "$tap_program" >/dev/null || bail "$tap_program is installed (scripts/install-deps.sh --full)"
	done
}

# behaves NAME CMD...: traced as untraced. INPUT, if set, is a file for stdin.
behaves()
{
	zoo_name=$1
	shift
	run_with_input "$@"
	zoo_status=$status
	mv "$T/out" "$T/plain.out"
	mv "$T/err" "$T/plain.err"
	rm -f "$T"/json*
	run_with_input "$HT" --format=json --outfile="$T/json" "$@"
	is "$status" "$zoo_status" "$zoo_name: status as untraced ($zoo_status)"
	same "$T/plain.out" "$T/out" "$zoo_name: stdout as untraced"
	same "$T/plain.err" "$T/err" "$zoo_name: stderr as untraced"
	jq -s '{processes: [.[].processes[]] | unique_by(.pid, .started_ns)}' "$T"/json* >"$T/all.json" 2>"$T/jq.err"
	ok $? "$zoo_name: reports" || diag "$(cat "$T/jq.err")"
	is "$(json '[.processes[].unseen | .table_full, .corrupt_records] | add' "$T/all.json")" 0 "$zoo_name: nothing lost"
	is "$(json '[.processes[] | .totals.live_blocks == ([.backtraces[].live_blocks] | add // 0) and .totals.allocations == ([.backtraces[].total_blocks] | add // 0)] | all' "$T/all.json")" \
		true "$zoo_name: sums agree"
}

run_with_input()
{
	env -u _ timeout -k 5 "${TIMEOUT:-300}" "$@" >"$T/out" 2>"$T/err" <"${INPUT:-/dev/null}"
	status=$?
	err=$(head -c 2000 "$T/err")
}

# exact NAME CMD...: behaves, and every process's totals are the counter's
exact()
{
	behaves "$@"
	zoo_name=$1
	shift
	mkdir -p "$TMPDIR/heaptrace-CounTs" && rm -f "$TMPDIR"/heaptrace-CounTs/counts.*
	cp "$BUILD/tests/counter.so" "$TMPDIR/heaptrace-CounTs/libheaptrace.so"
	run_with_input env LD_PRELOAD="$TMPDIR/heaptrace-CounTs/libheaptrace.so" "$@"
	is "$status" "$zoo_status" "$zoo_name: status under the counter"
	is "$(totals "$T/all.json" | sort)" "$(counted | sort)" "$zoo_name: totals exactly the counter's"
	at_least "$(json '[.processes[].totals.allocations] | add' "$T/all.json")" "${LEAST:-5}" "$zoo_name: something was counted"
}
