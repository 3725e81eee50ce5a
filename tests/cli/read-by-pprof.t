#!/bin/sh
# SPDX-License-Identifier: MIT
# pprof itself (go tool pprof) reads the pprof export and comes to the figures of the JSON report: every function by every
# sample type, differences, threads, inlined lines, build ids.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
command -v go >/dev/null || skip_all "go (golang-go) is missing"
export HOME="$T" PPROF_TMPDIR="$T" GOTOOLCHAIN=local GOTELEMETRY=off GOFLAGS=
go tool pprof -h >/dev/null 2>help
grep -q sample_index help || skip_all "go tool pprof does not run here"

pprof() { run go tool pprof -symbolize=none "$@"; }
# what `-top` says of all functions, as figures.py does: FLAT CUMULATIVE NAME
top()
{
	pprof -top -unit=B -nodecount=1000000 -nodefraction=0 -edgefraction=0 "$@"
	sed '1,/^ *flat /d' out | sed 's/ (\(partial-\)\{0,1\}inline)$//; s/^ *\([-0-9.]*\)B* *[-0-9.]*% *[0-9.]*% *\([-0-9.]*\)B* *[-0-9.]*% */\1 \2 /' |
		sed 's/^ *0  *0% *[0-9.]*% *\([-0-9.]*\)B* *[-0-9.]*% */0 \1 /'
}
# Functions whose names are known; without a name each of both has its own way to say so.
named() { grep -v -e ' (+0x[0-9a-f]*)$' -e '<unknown>$' -e '^[0-9]* [0-9]* \[.*]$' | sort; }

for grown in 5 25; do
	ht --by-thread --outfile=/dev/null --save=$grown.htrace "$GUESTS/viewed" $grown
	run "$HT" export --format=pprof --outfile=$grown.pb.gz $grown.htrace
	is "$status:$err" "0:" "export"
	"$HT" report --format=json $grown.htrace >$grown.json
done

pprof -raw 5.pb.gz
is "$status" 0 "pprof reads it"
is "$(sed -n '/^Samples:/{n;p;}' out)" \
	"peak_objects/count peak_space/bytes alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes[dflt]" \
	"Go's four sample types by their names, the peak's in front of them"
is "$(sed -n 's/^Period: *//p; s/^PeriodType: *//p' out | tr '\n' ' ')" "space bytes 1 " "nothing is sampled"
build_id=$(jq -r '[.processes[].backtraces[].frames[] | select(.function == "main").build_id][0]' 5.json)
like "$(sed '1,/^Mappings/d' out | head -n 1)" "^1: .*/viewed $build_id \[FN\]\[FL\]\[LN\]\[IN\]" "the first mapping is the program, with its build id"

while read -r index field; do
	top -sample_index="$index" 5.pb.gz | named >seen
	python3 "$SOURCE/tests/lib/figures.py" functions "$field" 5.json | named >figures
	at_least "$(wc -l <figures)" 5 "$index: functions to compare"
	same seen figures "$index: every function's own and cumulative figures"
done <<'LIST'
inuse_space live_bytes
inuse_objects live_blocks
alloc_space total_bytes
alloc_objects total_blocks
peak_space at_peak_bytes
peak_objects at_peak_blocks
LIST
pprof -top 5.pb.gz
like "$out" '^Type: inuse_space$' "live bytes are shown first"

# What pprof writes again is what we wrote.
run python3 "$SOURCE/tests/lib/pprof.py" 5.pb.gz
mv out ours.json
pprof -proto -output=again.pb.gz 5.pb.gz
is "$status" 0 "pprof writes it again"
run python3 "$SOURCE/tests/lib/pprof.py" again.pb.gz
mv out again.json
# The entry point is gone then: it matches drop_frames.
for document in ours again; do
	jq -S --arg document $document '{types, default, build_ids: [.mappings[].build_id] | sort, samples: [.samples[] | {values, labels,
		stack: [.stack[if $document == "ours" then 1 else 0 end:][] | .address, (.lines[] | [.function, .file, .line])]}] | sort}' \
		$document.json >$document.short
done
same ours.short again.short "the same samples, stacks, lines, labels and build ids"

# Two snapshots.
top -diff_base=5.pb.gz 25.pb.gz | grep ' grow(int)$' >seen
is "$(cat seen)" "2000 2000 grow(int)" "-diff_base: what grew, where"
pprof -top -unit=B -diff_base=5.pb.gz 25.pb.gz
is "$(printf '%s\n' "$out" | sed -n 's/^Showing nodes accounting for \([0-9]*B\), .*/\1/p')" \
	"$("$HT" diff --format=json 5.htrace 25.htrace | jq '[.backtraces[].growth_bytes] | add')B" "as much as heaptrace diff says"
top -sample_index=alloc_objects -base=5.pb.gz 25.pb.gz | grep ' grow(int)$' >seen
is "$(cat seen)" "20 20 grow(int)" "-base: blocks"

# Threads.
pprof -tags 5.pb.gz
like "$out" '^ *thread: Total ' "thread: a label"
like "$out" '^ *thread_id: Total ' "thread_id: a label"
like "$out" '): worker 2$' "by the thread's name"
pprof -top -unit=B -tagfocus='worker 2' 5.pb.gz
is "$(printf '%s\n' "$out" | sed -n 's/^Showing nodes accounting for \([0-9]*B\), .*/\1/p')" "2000B" "-tagfocus: one thread's"
tid=$(jq '[.processes[].backtraces[] | select(.thread.name == "worker 1").thread.tid][0]' 5.json)
pprof -top -unit=B -tagfocus="thread_id=$tid" 5.pb.gz
is "$(printf '%s\n' "$out" | sed -n 's/^Showing nodes accounting for \([0-9]*B\), .*/\1/p')" "1000B" "by its number"
ht --format=pprof --outfile=apart.pb.gz "$GUESTS/viewed" 5
pprof -tags apart.pb.gz
is "$(printf '%s\n' "$out" | grep -c thread)" 0 "no such labels without --by-thread"

# Source lines.
pprof -top -lines -unit=B -nodecount=1000000 -nodefraction=0 5.pb.gz
like "$out" 'innermost(unsigned long) [^ ]*viewed.cc:[0-9]* (inline)$' "an inlined function and its line"
pprof -peek='^outer' -unit=B 5.pb.gz
like "$out" '77B.*middle' "and who it is inlined into"
pprof -list='^grow' "$GUESTS/viewed" 5.pb.gz
like "$out" '500B *500B.*kept = malloc(100);' "annotated source"

# Several processes, nothing at all, and what pprof does not take.
ht --format=pprof sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30; exit 0"
mv out tree.pb.gz
pprof -top -unit=B -tagfocus='process=leak' tree.pb.gz
is "$(printf '%s\n' "$out" | sed -n 's/^Showing nodes accounting for \([0-9]*B\), .*/\1/p')" "130B" "one program of several"
ht --format=pprof --outfile=nothing.pb.gz true
pprof -raw nothing.pb.gz
is "$status" 0 "nothing live is a profile"
gzip -dc 5.pb.gz | head -c 700 | gzip >cut.pb.gz
pprof -raw cut.pb.gz
like "$err" 'unrecognized profile format' "pprof would have refused a bad one"
done_testing
