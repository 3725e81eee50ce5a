#!/bin/sh
# SPDX-License-Identifier: MIT
# The JSON report holds every field of the interface with its type, and nothing in it contradicts the rest.
. "${0%/*}/../lib/tap.sh"

ht_json sh -c "'$GUESTS/leak' 3 30 & '$GUESTS/leak' 4 40; wait; '$GUESTS/ends-segv' || true"
is "$status" 0 "status"
jq -e . "$T/json" >/dev/null
ok $? "valid JSON"
is "$(json '.version, .heaptrace, (.command | type), (.processes | length >= 4)' | tr '\n' ' ')" "1 0.1.0 array true " "the document"
is "$(json '[.processes[] | (.pid, .ppid, .started_ns, .duration_ns | type == "number"), (.command | type == "array" and length > 0),
	(.how_it_ended | test("^(exit:[0-9]+|signal:SIG[A-Z0-9+]+|exec|running)$"))] | all')" true "each process"
is "$(json '[.processes[].totals | (.allocations, .frees, .allocated_bytes, .live_blocks, .live_bytes, .peak_blocks, .peak_bytes, .peak_ns) | type == "number"] | all')" true "totals"
is "$(json '[.processes[].unseen | ((.nested_allocations, .inherited_frees, .table_full, .corrupt_records) | type == "number"), (.untraced_children | type == "array")] | all')" true "unseen"
is "$(json '[.processes[].backtraces[] | ((.live_blocks, .live_bytes, .peak_blocks, .peak_bytes, .at_peak_blocks, .at_peak_bytes, .total_blocks, .total_bytes, .first_ns, .last_ns) | type == "number"),
	(.truncated | type == "boolean"), (.frames | type == "array" and length > 0)] | all')" true "backtraces"
is "$(json '[.processes[].backtraces[].frames[] | (.address | test("^0x[0-9a-f]+$")),
	((.module, .build_id, .function, .file) | . == null or type == "string"), (.offset | . == null or test("^0x[0-9a-f]+$")),
	(.line | . == null or type == "number"), (.inlined | type == "boolean"), (has("module") and has("build_id") and has("offset") and has("function") and has("file") and has("line"))] | all')" true "frames"
is "$(json '[.processes[].backtraces[] | .frames[0].function] | unique - ["malloc", "calloc", "realloc", "reallocarray", "aligned_alloc", "posix_memalign", "memalign"] | length')" 0 "frame 0 is an entry point"
is "$(json '[.processes[].backtraces[] | .live_blocks <= .peak_blocks and .peak_blocks <= .total_blocks and .live_bytes <= .peak_bytes
	and .peak_bytes <= .total_bytes and .at_peak_bytes <= .peak_bytes and .first_ns <= .last_ns] | all')" true "live <= peak <= total"
is "$(json '[.processes[] | . as $p | .backtraces[] | .first_ns >= $p.started_ns] | all')" true "times are from the start of the run"
is "$(json '[.processes[] | .totals.live_bytes == ([.backtraces[].live_bytes] | add // 0) and .totals.allocations == ([.backtraces[].total_blocks] | add // 0)] | all')" true "sums"
is "$(json '[.processes[] | select(.command[0] | endswith("leak")) | "\(.command[1:] | join(" ")) \(.totals.live_blocks) \(.totals.live_bytes) \(.how_it_ended)"] | sort | join(", ")')" \
	"3 30 3 90 exit:0, 4 40 4 160 exit:0" "both leaks with their commands"
is "$(json '[.processes[] | select(.how_it_ended == "signal:SIGSEGV") | .totals.live_blocks] | tostring')" "[10]" "the one that died"
is "$(json '.processes[0].command[0]')" sh "the first process is the shell"
is "$(json '[.processes[].timeline | (type == "array" and length > 0), (.[] | (.ns, .live_bytes | type == "number"),
	((.live_blocks, .allocations, .allocated_bytes, .rss, .allocator_arena, .allocator_hblkhd, .allocator_uordblks) | . == null or type == "number"),
	(keys == ["allocated_bytes", "allocations", "allocator_arena", "allocator_hblkhd", "allocator_uordblks", "live_blocks", "live_bytes", "ns", "rss"]))] | all')" true "timeline"
is "$(json '[.processes[] | .timeline[-1] as $last | (.timeline | map(.ns)) == (.timeline | map(.ns) | unique), $last.ns == .started_ns + .duration_ns,
	$last.live_bytes == .totals.live_bytes, $last.live_blocks == .totals.live_blocks, $last.allocations == .totals.allocations,
	$last.allocated_bytes == .totals.allocated_bytes, .timeline[0].ns >= .started_ns, (.peak_bound.bytes + .totals.peak_bytes) as $most |
	(.timeline | map(.live_bytes <= $most) | all)] | all')" true "the timeline ends with the totals, in the order of time"
is "$(json '. as $d | [.processes[1:][] | .ppid == $d.processes[0].pid] | any')" true "children name their parent"
is "$(json '[.processes[].backtraces[].frames[] | select(.module != null and (.module | endswith("/leak")) and .function == "leak_a") | .build_id | length > 8] | all')" true "build ids"
done_testing
