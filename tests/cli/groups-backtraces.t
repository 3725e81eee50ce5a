#!/bin/sh
# SPDX-License-Identifier: MIT
# --group=function|module|line in text, json and csv: sums that are exact, the largest backtraces below each group.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

ht --color=never --group=function --top=2 --save=run.htrace "$GUESTS/views"
is "$status" 0 "status"
like "$err" 'dump allocation status for /proc/[0-9]*/maps (views) by function, sorted by size$' "text: a section of groups"
is "$(printf '%s\n' "$err" | sed -n 's/^=== group #\(.*\) === \(.*\) .age: .*/\1 \2/p')" \
	"1: parse in views [count: 3] [size: 300 bytes] [at peak: 3/300 bytes] [total: 3/300 bytes]
2: lex in views [count: 3] [size: 107 bytes] [at peak: 3/107 bytes] [total: 3/107 bytes]" "text: the largest, with their sums"
is "$(printf '%s\n' "$err" | grep '^    .* in ' | sed 's, ([^()]*views.c:[0-9]*),,g')" "    300 bytes in 3 blocks: parse < main
    100 bytes in 2 blocks: lex < main
    7 bytes in 1 block: lex < main" "text: their backtraces"
like "$err" 'heap traced allocation size  : 513 bytes' "text: the summary is that of the whole"
unlike "$err" '=== backtrace' "text: no backtraces beside"
run "$HT" report --color=never --group=module --sort=total run.htrace
is "$(printf '%s\n' "$out" | grep '^    .* in ' | sed 's, ([^()]*):*,,g' | sed -n '1p;$p')" "    5.000 KB in 1 block: use < passing < main
    9 more backtraces: 113 bytes in 9 blocks" "text: the rest of a large group in one line"
run "$HT" report -v --color=never --group=module --sort=total run.htrace
is "$(printf '%s\n' "$out" | grep -c '^    .* in ')" 12 "text: all of it with -v"
run "$HT" report --color=never --group=function --sort=count,at-peak --through=passing run.htrace
is "$(printf '%s\n' "$out" | grep '^=== group' | sed 's/ .age.*//')" "=== group #1: use in views === [count: 0] [size: 0 bytes] [at peak: 1/5.000 KB] [total: 1/5.000 KB]" \
	"text: several sections, filters"

"$HT" report --format=json --group=function run.htrace >json
is "$(jq -r '.processes[0] | .grouped_by, (.groups[] | "\(.name) \(.backtraces) \(.live_blocks) \(.live_bytes) \(.at_peak_bytes) \(.total_bytes)")' json)" "function
parse 1 3 300 300 300
lex 2 3 107 107 107
even 3 3 60 60 60
walk 4 4 40 40 40
text 1 1 6 6 6
use 1 0 0 5000 5000" "json: groups, the largest first"
is "$(jq '.processes[0] | . as $p | [.groups | to_entries[] | . as $g | ([$p.backtraces[] | select(.group == $g.key)] |
	[length, (map(.live_bytes) | add), (map(.total_blocks) | add)]) == [$g.value.backtraces, $g.value.live_bytes, $g.value.total_blocks]] | all' json)" \
	true "json: every backtrace names its group"
is "$(jq '.processes[0] | [.groups[].live_bytes] | add' json)" 513 "json: the sum is the whole"
is "$("$HT" report --format=json run.htrace | jq '.processes[0] | has("groups") or (.backtraces[0] | has("group"))')" false "json: nothing of it unless asked for"
is "$("$HT" report --format=json --group=line run.htrace | jq -c '[.processes[0].groups[] | select(.function == "lex") | [(.name | split("/") | last), (.file | endswith("views.c")), .line > 0, .live_bytes]]')" \
	"$(sed -n '/keep(xmalloc(50/=; /keep(malloc(7/=' "$SOURCE/tests/guests/views.c" | paste -sd' ' | sed 's,\(.*\) \(.*\),[["views.c:\1"\,true\,true\,100]\,["views.c:\2"\,true\,true\,7]],')" "json: by line"
is "$("$HT" report --format=json --group=function --fold-recursion run.htrace | jq -c '[.processes[0].groups[] | select(.name == "walk") | [.backtraces, .live_bytes]]')" \
	"[[1,40]]" "json: with recursion folded"
run "$HT" export --format=csv --group=module run.htrace
is "$(tail -n +2 out | cut -d, -f2,4,6,8-14 | tr -d '\r')" '"views","",,12,14,513,15,5513,15,5513' "csv: by module"
is "$(head -n 1 out | tr ',' '\n' | wc -l) $(sed -n 2p out | tr ',' '\n' | wc -l)" "16 16" "csv: as many cells as columns"
ht --group=module sh -c "'$GUESTS/views'; '$GUESTS/views' & wait"
is "$(printf '%s\n' "$err" | grep -c '^=== group.*/views === .count: 14. .size: 513 bytes')" 2 "each process has its own"

for bad in --group=thing --group=; do
	ht "$bad" "$GUESTS/views"
	is "$status$out" 125 "$bad is refused"
	like "$err" 'function, module, line or thread' "$bad: names what there is"
done
for format in collapsed pprof heap_v2 speedscope dhat html; do
	ht --format=$format --group=module "$GUESTS/views"
	is "$status:$err" "125:heaptrace: --group is for text, json and csv; other formats show stacks: leave it out" "$format has no groups"
done
ht --group=line --sort=size,peak "$GUESTS/views"
is "$status" 125 "own peaks have no sum"
like "$err" 'use at-peak' "what to use instead is said"
ht report --group=line --window=.. run.htrace
is "$status" 125 "not for a window"
ht diff --group=line a b
is "$status" 125 "not for diff"
# Functions of one name in two modules are two groups; times and churn of a group are those of its backtraces.
cat >same.c <<'C'
#include <stdlib.h>
static void *kept;
__attribute__((noinline)) static void same(void) { free(malloc(10)); kept = malloc(20); kept = malloc(30); }
void NAME(void) { same(); }
#ifdef MAIN
void other(void);
int main(void) { same(); other(); return 0; }
#endif
C
${CC:-gcc} -fno-builtin -O1 -fPIC -shared -DNAME=other -o libother.so same.c || bail "compiled"
${CC:-gcc} -fno-builtin -O1 -DNAME=own -DMAIN -o same same.c ./libother.so || bail "compiled"
ht --churn --outfile=/dev/null --save=same.htrace ./same
"$HT" report --format=json --group=function same.htrace >json
is "$(jq -r '[.processes[0].groups[] | select(.function == "same") | "\(.module | split("/") | last) \(.live_bytes) \(.churn.temporary_blocks)"] | sort | join(", ")' json)" \
	"libother.so 50 1, same 50 1" "a function of the same name elsewhere is another group, with its own churn"
is "$(jq '.processes[0] | . as $p | [.groups | to_entries[] | . as $g | [$p.backtraces[] | select(.group == $g.key)] |
	[(map(.first_ns) | min), (map(.last_ns) | max)] == [$g.value.first_ns, $g.value.last_ns]] | all' json)" true "the first and the last time"

done_testing
