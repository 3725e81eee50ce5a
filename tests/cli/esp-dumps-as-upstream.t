#!/bin/sh
# SPDX-License-Identifier: MIT
# heap_trace's dumps, line by line, in both of ESP-IDF's texts; what is in them and what is not.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

dump() { ht -q --outfile=report "$GUESTS/esp-dump" "$@"; }
# part NAME: of the output, after a line "--- NAME"
part() { sed -n "/^--- $1\$/,/^--- [a-z0-9]*\$/{/^--- [a-z0-9]*\$/d;p;}" out; }
# shape: addresses, counters and CPUs as words
shape() { sed 's/0x[0-9a-f]\{8\} caller/CCOUNT caller/; s/(@ 0x[0-9a-f]*/(@ ADDRESS/; s/CPU [0-9][0-9]*/CPU N/; s/ \(caller\|by\) 0x[0-9a-f:x]*$/ \1 FRAMES/'; }

dump shapes
is "$status:$err" 0: "dumps"
is "$(part v4 | shape)" "2 allocations trace (100 entry buffer)
32 bytes (@ ADDRESS) allocated CPU N ccount CCOUNT caller FRAMES
8 bytes (@ ADDRESS) allocated CPU N ccount CCOUNT caller FRAMES
40 bytes 'leaked' in trace (2 allocations)
total allocations 2 total frees 0" "the text of ESP-IDF 4.4"
v5="====== Heap Trace: 2 records (100 capacity) ======
    32 bytes (@ ADDRESS, Internal) allocated CPU N ccount CCOUNT caller FRAMES
     8 bytes (@ ADDRESS, Internal) allocated CPU N ccount CCOUNT caller FRAMES
====== Heap Trace Summary ======
Mode: Heap Trace Leaks
40 bytes 'leaked' in trace (2 allocations)
records: 2 (100 capacity, 2 high water mark)
total allocations: 2
total frees: 0
================================"
is "$(part v5 | shape)" "$v5" "the text of ESP-IDF 5"
is "$(part default | shape)" "$v5" "which is the default"
is "$(part v5 | grep -cE '^ *[0-9]+ bytes \(@ 0x[0-9a-f]+, Internal\) allocated CPU [0-9]+ ccount 0x[0-9a-f]{8} caller (0x[0-9a-f]+:)*0x[0-9a-f]+$')" 2 \
	"with the words of which programs that read such logs take addresses"
is "$(part v5 | awk '/ bytes \(@/ { sum += $1 } /leaked/ { said = $1 } END { print sum, said }')" "40 40" "the sizes sum up"
is "$(part symbols | grep -c '^--- 0x')" "$(part symbols | sed -n 's/.* caller //p' | tr ':' '\n' | grep -c 0x)" "with symbols: a line for each frame"
like "$(part symbols)" '^--- 0x[0-9a-f]*: in_all_shapes at .*esp-dump\.c:16$' "that names it"
is "$(part top | grep -c ' bytes (@')" 1 "only so many as are asked for"
part json >dump.json
is "$(jq -r '[.mode, .count, .total_allocations, .alive.bytes, .records[0].size, .records[1].size] | map(tostring) | join(" ")' dump.json)" \
	"leaks 2 2 40 32 8" "as JSON"
is "$(jq -r '.records | map(.alloced_by | length > 2 and all(startswith("0x"))) | all' dump.json)" true "with addresses as strings"

run env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_SAVE="$T/%p.htrace" HEAPTRACE_DUMP_FORMAT=v4.4 "$GUESTS/esp-dump" shapes
is "$(part default | sed 1q)" "2 allocations trace (100 entry buffer)" "HEAPTRACE_DUMP_FORMAT chooses the text"
is "$(part symbols | grep -c '^--- ')" 0 "without a collector there are addresses and no names"

dump all
is "$(shape <out | sed -n '1,8p')" "3 allocations trace (100 entry buffer)
10 bytes (@ ADDRESS) allocated CPU N ccount CCOUNT caller FRAMES
freed by FRAMES
20 bytes (@ ADDRESS) allocated CPU N ccount CCOUNT caller FRAMES
30 bytes (@ ADDRESS) allocated CPU N ccount CCOUNT caller FRAMES
freed by FRAMES
20 bytes alive in trace (1/3 allocations)
total allocations 3 total frees 2" "mode ALL, ESP-IDF 4.4"
is "$(shape <out | sed -n '9,$p')" "====== Heap Trace: 3 records (100 capacity) ======
    10 bytes (@ ADDRESS) allocated CPU N ccount CCOUNT caller FRAMES
freed by FRAMES
    20 bytes (@ ADDRESS, Internal) allocated CPU N ccount CCOUNT caller FRAMES
    30 bytes (@ ADDRESS) allocated CPU N ccount CCOUNT caller FRAMES
freed by FRAMES
====== Heap Trace Summary ======
Mode: Heap Trace All
20 bytes alive in trace (1/3 allocations)
records: 3 (100 capacity, 3 high water mark)
total allocations: 3
total frees: 2
================================" "mode ALL, ESP-IDF 5"

dump overflow
is "$(grep -c '^(NB: Buffer has overflowed, so trace data is incomplete.)$' out)" 1 "an overflow is said once, ESP-IDF 4.4"
is "$(grep -c '^(NB: Internal Buffer has overflowed, so trace data is incomplete.)$' out)" 1 "ESP-IDF 5"
is "$(grep -c '^(NB: 3 records evicted; raise num_records to at least 5.)$' out)" 2 "and what would have been enough"
dump dropped
is "$(grep -c '^(NB: 4 records not taken; raise num_records to at least 7.)$' out)" 1 "also where new records were not taken"
dump shapes
is "$(grep -c NB out)" 0 "otherwise there is no such line"
dump nothing
is "$status:$(sed -n '1p;3p' out)" "0:====== Heap Trace: 0 records (0 capacity) ======
Mode: Heap Trace All" "a dump of nothing"

dump regions
is "$(part internal | grep -c ' bytes (@.*, Internal)'):$(part internal | grep -c PSRAM)" 2:0 "INTERNAL: the heap and the arenas of threads"
is "$(part spiram | grep -c ' bytes (@.*,    PSRAM)'):$(part spiram | grep -c ', Internal')" 2:0 "SPIRAM: what was mapped"
is "$(part both | grep -c ' bytes (@')" 4 "both"
is "$(part none | grep -c ' bytes (@'):$(part none | grep '^records')" "0:records: 4 (10 capacity, 4 high water mark)" "none: the summary is of all"
is "$(part both | sed -n 's/^ *\([0-9]*\) bytes (@ 0x[0-9a-f]*, *\([A-Za-z]*\)).*/\1 \2/p')" "336000 PSRAM
336000 PSRAM
336000 Internal
100000 Internal" "by where a block lies, not by its size"
part json >dump.json
is "$(jq -r '.records | map(.region) | join(" ")' dump.json)" "mmap mmap heap arena" "their names here"

dump order
is "$(sed -n 's/^\(before\)* \([0-9]\)$/\2/p; /^====== Heap Trace: /s/.*/dump/p; /^after/p' out | tr '\n' ' ')" \
	"0 dump 1 dump 2 dump 3 dump 4 dump after " "a dump stands between what is printed before and after"
is "$(tail -n 1 out)" "nothing else" "and leaves no record"

dump grown
is "$(sed -n '/^--- grouped/q; / bytes in /p' out | shape)" "  1000 bytes in 1 allocation caller FRAMES
   200 bytes in 20 allocations caller FRAMES" "growth since a mark, by backtrace"
is "$(part grouped | sed -n '2p' | shape)" "  5000 bytes in 5 allocations caller FRAMES" "grouped"
like "$(part grouped)" '^--- 0x[0-9a-f]*: site_a at ' "with names"

ht -q --outfile=report "$GUESTS/esp-dump" long
is "$status:$(awk '/ bytes \(@/ { if ($1 != ++n) bad = 1; if (split($0, frames, ":") != 16) bad = 1 } END { print n, bad + 0 }' "$T/out")" "0:40000 0" \
	"a long dump is whole, and in order"
is "$(tail -n 1 "$T/out")" "================================" "up to its end"
is "$(jq -r '[.records[].size] | "\(length) \(. == (sort))"' "$T/err")" "40000 true" "as JSON too"

dump dead-buffer
is "$status:$(grep -c '^\[heaptrace\] heap_trace: the record buffer lay on the stack' err)" 0:1 "a buffer that is no more is not written to, but said"
is "$(grep -c ' bytes (@' out)" 2 "the records are kept"

ht -q --outfile=report "$GUESTS/esp-example"
is "$status:$err" 0: "ESP-IDF's own example"
is "$(shape <out | sed '/^records/d; /^total/d')" "$(echo "$v5" | sed '/^records/d; /^total/d')" "prints what the documentation shows"
run "$GUESTS/esp-example"
is "$status:$(grep -c 'ESP_ERR_NOT_SUPPORTED' err)" 134:1 "untraced, ESP_ERROR_CHECK says why"
done_testing
