#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Hold one guest program to what its header says: guest.sh NAME. Lines of the header that mean something here:
#
#	// Expect: FIELD=VALUE ...      of one process image; a line for each, in the order of their starts. Fields:
#	//                              allocations frees bytes live_blocks live_bytes peak_blocks peak_bytes inherited nested
#	// Children: N FIELD=VALUE ...  N more images, all alike
#	// Expect: counter              no figures known beforehand: only the comparison with the counter
#	// Own: FUNCTION BLOCKS BYTES LIVE_BLOCKS LIVE_BYTES    of all backtraces through a function (blocks, bytes: ever)
#	// Ends: HOW ...                how_it_ended of the images in the order of their starts (default: exit:0 each)
#	// Args: ARG ...                arguments for the guest
#	// Options: OPTION ...          options for heaptrace
#	// Env: NAME=VALUE ...          environment; @LIBS@ is the system's libraries' directory, @BUILD@ ours
#	// Counter: no REASON           the comparison with the counter is left out
#	// Streams: no REASON           stdout and stderr differ from run to run
#	// Needs: FILE-OR-COMMAND ...   skipped where that is missing: a path (with @LIBS@), a command, userns, root
#	// Said: PATTERN                a line of the traced run's stderr that is heaptrace's own
#	// Build: FLAGS                 for the compiler
#	// Tier: full                   only in check-full
#
# Each guest runs untraced, traced, and under the counter. Stdout, stderr and exit status must be the same.

TAP_SOURCE=${0%/*}/../..
# shellcheck source=tests/lib/tap.sh
. "${0%/*}/tap.sh"

name=$1
guest=$GUESTS/$name
for source in "$SOURCE/tests/guests/$name".c*; do break; done
libs=/usr/lib/$(${CC:-gcc} -print-multiarch)
cd "$T" || exit 1

line() { sed -n "s,^// $1: *,,p" "$source" | sed "s,@LIBS@,$libs,g; s,@BUILD@,$BUILD,g"; }

for need in $(line Needs); do
	case $need in
	/*) [ -e "$need" ] || skip_all "$need is missing";;
	userns) unshare -U true 2>/dev/null || skip_all "no user namespaces here";;
	root) [ "$(id -u)" -eq 0 ] || skip_all "needs root";;
	*) command -v "$need" >/dev/null || skip_all "$need is missing";;
	esac
done
[ -x "$guest" ] || bail "$guest was built"

# The lists are words on purpose.
# shellcheck disable=SC2046,SC2086
{
set -- "$guest" $(line Args)
environment=$(line Env)

run env $environment "$@"
plain_status=$status
mv out plain.out
mv err plain.err

run env $environment "$HT" --format=json --outfile="$T/json" $(line Options) "$@"
}
merge_json
is "$status" "$plain_status" "exit status as untraced ($plain_status)"
if [ -z "$(line Streams)" ]; then
	same plain.out out "stdout as untraced"
	said=$(line Said)
	if [ -n "$said" ]; then
		like "$err" "$said" "heaptrace says: $said"
		grep -v -e "$said" err >err.rest
		same plain.err err.rest "stderr otherwise as untraced"
	else
		same plain.err err "stderr as untraced"
	fi
fi

# The report may be large: what the rest asks for is taken out of it once, a process a line.
functions=$(line Own | cut -d' ' -f1)
if ! jq -c --arg functions "$functions" '
	def figures: [(map(.total_blocks) | add), (map(.total_bytes) | add), (map(.live_blocks) | add), (map(.live_bytes) | add)] | map(. // 0);
	($functions | split("\n")) as $own | .processes[]
	| . as $p | (.backtraces | figures) as $sums
	| {totals, unseen, how_it_ended,
	   sound: ($sums == [.totals.allocations, .totals.allocated_bytes, .totals.live_blocks, .totals.live_bytes]
		and .totals.live_blocks == .totals.allocations - .totals.frees),
	   own: [$own[] as $name | $p.backtraces | map(select(any(.frames[]; .function == $name))) | figures]}' json >images 2>jq.err; then
	fail "a JSON report was written" "$(head -c 1000 json 2>&1; cat jq.err err)"
	done_testing
fi

number=0
line Expect >expected
ends=$(line Ends)

# field_path FIELD=VALUE: where the report has it
field_path()
{
	case ${1%%=*} in
	bytes) echo .totals.allocated_bytes;;
	inherited) echo .unseen.inherited_frees;;
	nested) echo .unseen.nested_allocations;;
	*) echo ".totals.${1%%=*}";;
	esac
}

# image NUMBER FILTER
image() { sed -n "$(($1 + 1))p" images | jq -r "$2"; }

# counts NUMBER FIELDS: the fields of an image as the report has them, in the words of the header
counts()
{
	filter=$(for field in $2; do printf '%s=%s ' "${field%%=*}" "\\($(field_path "$field"))"; done)
	image "$1" "\"${filter% }\""
}

while read -r expected; do
	[ "$expected" = counter ] || is "$(counts $number "$expected")" "$expected" "counts of image $number"
	end=$(echo "$ends" | cut -d' ' -f$((number + 1)))
	is "$(image $number .how_it_ended)" "${end:-exit:0}" "end of image $number"
	number=$((number + 1))
done <expected
line Children >children
while read -r more expected; do
	last=$((number + more))
	filter=$(for field in $expected; do printf '%s=%s ' "${field%%=*}" "\\($(field_path "$field"))"; done)
	unlike_others=$(sed -n "$((number + 1)),${last}p" images | jq -r "\"${filter% }\"" | grep -cvx "$expected")
	number=$last
	is "$unlike_others" 0 "$more children with $expected"
done <children
is "$(wc -l <images)" "$number" "images in the report"
is "$(jq -s '[.[].unseen | .table_full, .corrupt_records] | add' images)" 0 "nothing lost, nothing corrupt"
is "$(jq -s 'all(.sound)' images)" true "the sums agree"

line Own >own
place=0
while read -r function figures; do
	is "$(jq -s -r "[.[].own[$place]] | transpose | map(add | tostring) | join(\" \")" images)" "$figures" "backtraces through $function"
	place=$((place + 1))
done <own

if [ -z "$(line Counter)" ]; then
	preload=$(echo "$environment" | sed -n 's/.*LD_PRELOAD=\([^ ]*\).*/:\1/p')
	mkdir -p "$TMPDIR/heaptrace-CounTs"
	cp "$BUILD/tests/counter.so" "$TMPDIR/heaptrace-CounTs/libheaptrace.so"
	# shellcheck disable=SC2086
	run env $environment LD_PRELOAD="$TMPDIR/heaptrace-CounTs/libheaptrace.so$preload" "$@"
	is "$status" "$plain_status" "exit status under the counter"
	is "$(jq -r '.totals | "\(.allocations) \(.frees) \(.allocated_bytes) \(.live_blocks) \(.live_bytes)"' images | sort)" "$(counted | sort)" "allocations, frees, bytes, live blocks and bytes as the counter has them"
fi
done_testing
