#!/bin/sh
# SPDX-License-Identifier: MIT
# pprof: what an independent decoder finds in it is valid by pprof's own rules and says what the JSON report says.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

decode() { run python3 "$SOURCE/tests/lib/pprof.py" "$1" && mv out decoded; }

ht --outfile=/dev/null --save=run.htrace "$GUESTS/sorting"
run "$HT" export --format=pprof --outfile=run.pb.gz run.htrace
is "$status:$err" "0:" "export"
decode run.pb.gz
is "$status:$err" "0:" "valid"
is "$(json '.types | join(" ")' decoded)" \
	"peak_objects/count peak_space/bytes alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes" \
	"Go's four sample types by their names, the live ones last"
is "$(json '.default, .period' decoded | tr '\n' ' ')" "inuse_space 1 " "live bytes are shown first; nothing is sampled"
is "$(json '[.samples[].values] | transpose | map(add) | join(" ")' decoded)" "104 59010 3104 149010 103 9010" \
	"sums: at the peak, total, live"
# shellcheck disable=SC2016
is "$(json '[.samples[] | select(any(.stack[].lines[]; .function == "few_large")) | .values | join(" ")] | join(",")' decoded)" \
	"2 8000 2 8000 2 8000" "one backtrace"
is "$(json '.samples[] | select(any(.stack[].lines[]; .function == "few_large")) | [.stack[].lines[].function][:4] | join(" ")' decoded)" \
	"malloc leak few_large main" "leaf first"
run "$HT" export --format=json run.htrace
mv out run.json
is "$(json '[.samples[] | .stack[1:][] | select(.module != null) | "\(.address + 1) \(.build_id)"] | unique | length > 3' decoded)" true \
	"addresses with modules"
is "$(json '[.samples[].stack[1:][] | .address + 1] | unique | map(tostring) | join(" ")' decoded)" \
	"$(python3 -c 'import json, sys
print(*sorted({int(f["address"], 16) for p in json.load(open("run.json"))["processes"] for b in p["backtraces"] for f in b["frames"][1:]}))')" \
	"each is the return address less one"
is "$(json '.mappings[0].file' decoded)" "$(realpath "$GUESTS/sorting")" "the first mapping is the program"
is "$(json '.mappings[0].build_id' decoded)" \
	"$(json '[.processes[].backtraces[].frames[] | select(.function == "main") | .build_id][0]' run.json)" "with its build id"
is "$(json '.strings' decoded)" 0 "no string twice"
# Readers look at whole names or, as pprof does, at what stands before the arguments.
printf '%s\n' malloc 'operator new' 'operator new[]' 'std::__new_allocator<int>::allocate' 'operator new(unsigned long)' 'operator new[](unsigned long)' reallocarray posix_memalign \
	'std::__new_allocator<int>::allocate(unsigned long, void const*)' >names
# shellcheck disable=SC2016
is "$(python3 -c 'import json, re, sys
drop = re.compile(json.load(open("decoded"))["drop_frames"])
print(sum(bool(drop.fullmatch(n)) for n in open("names").read().split("\n")), bool(drop.fullmatch("main")), bool(drop.fullmatch("my_malloc")))')" \
	"9 False False" "the allocator's frames are to be dropped, others not"
run "$HT" export --format=pprof --keep-allocator --outfile=kept.pb.gz run.htrace
decode kept.pb.gz
is "$(json '.drop_frames' decoded)" "" "--keep-allocator: none"

cat >inlined.c <<'C'
#include <stdlib.h>
void *volatile kept;
static inline __attribute__((always_inline)) void innermost(void) { kept = malloc(77); }
static inline __attribute__((always_inline)) void middle(void) { innermost(); }
__attribute__((noinline)) void outer(void) { middle(); }
int main(void) { outer(); return kept == NULL; }
C
${CC:-gcc} -g -O1 -o inlined inlined.c || bail "compiled"
ht --format=pprof ./inlined
mv out inlined.pb.gz
is "$status:$err" "0:" "on a run: stdout"
decode inlined.pb.gz
is "$(json '.samples[0].stack[1].lines | map("\(.function) \(.file | split("/")[-1]):\(.line)") | join(", ")' decoded)" \
	"innermost inlined.c:3, middle inlined.c:4, outer inlined.c:5" "inlined lines, innermost first"
ht --format=pprof --no-lines ./inlined
mv out plain.pb.gz
decode plain.pb.gz
is "$(json '.samples[0].stack[1].lines | map("\(.function) \(.line)") | join(", ")' decoded)" "outer 0" "--no-lines"

ht --format=pprof sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30; exit 4"
mv out tree.pb.gz
is "$status" 4 "several processes: the program's status"
decode tree.pb.gz
is "$(json '[.samples[] | select(.labels.process == "leak") | .values[4:] | join(" ")] | sort | join(", ")' decoded)" "2 40, 3 90" \
	"all in one profile, labelled"
is "$(json '[.samples[].labels.pid] | unique | length' decoded)" 3 "with their pids"

ht --format=pprof --outfile=nothing.pb.gz true
decode nothing.pb.gz
is "$status:$(json '[.samples[].values[5]] | add // 0' decoded)" "0:0" "nothing live is a valid profile"

# A name that is no UTF-8, and one that never ends.
long=$(printf '%0240d' 0)
cp "$GUESTS/leak" "$(printf 'odd\377name')"
ht --format=pprof --outfile=odd.pb.gz "./$(printf 'odd\377name')" 1 10
decode odd.pb.gz
is "$status" 0 "strings are valid UTF-8"
cp "$GUESTS/leak" "$long"
ht --format=pprof --outfile=long.pb.gz "./$long" 1 10
decode long.pb.gz
like "$(json '.mappings[].file' decoded)" "$long" "long names"

# The decoder can refuse.
gzip -dc run.pb.gz | head -c 1000 | gzip >cut.pb.gz
run python3 "$SOURCE/tests/lib/pprof.py" cut.pb.gz
is "$status" 1 "a cut profile is refused by the decoder"
done_testing
