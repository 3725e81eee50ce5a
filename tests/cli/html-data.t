#!/bin/sh
# SPDX-License-Identifier: MIT
# The HTML report is one file that needs nothing else and holds what the JSON report holds; no name, path or argument of the
# program gets out of its data.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# page FILE: what it is made of
page() { run python3 "$SOURCE/tests/lib/html_data.py" "$@"; }

# data FILE: the block that the page reads
data() { sed -n '/ id="heaptrace-data">$/,/^<\/script/p' "$1" | sed '1d;$d'; }

# agrees FILE.htrace NAME COUNTS: page and JSON report of a snapshot
agrees()
{
	"$HT" export --format=html --outfile=made.html "$1" && "$HT" export --format=json --outfile=made.json "$1"
	page made.html made.json
	is "$out$err" "$3: as in the JSON report" "$2"
}

ht --outfile=/dev/null --save=run.htrace "$GUESTS/sorting"
agrees run.htrace "all figures, all frames" "$(jq -n -r --argjson n "$("$HT" export --format=json run.htrace | jq '.processes[0].backtraces | length')" '"1 processes, \($n) backtraces"')"
page made.html
is "$(printf '%s\n' "$out" | head -n 3)$err" "scripts 2 styles 1 images 0
policy 'none' True True
outside [] []" "one file, nothing from outside, and a policy that allows nothing but its own script"
is "$(head -c 15 made.html)" "<!DOCTYPE html>" "it begins as a page does"
"$HT" report --format=html run.htrace >reported.html
same made.html reported.html "report and export write the same"

# Names that mean harm: of functions, files, modules, the program, its arguments; and bytes that are no UTF-8.
mkdir '<img src=x onerror=harm()>'
cat >hostile.c <<'C'
#include <stdlib.h>
void *hostile(void);
__attribute__((noinline)) void *hostile(void) { return malloc(111); }
#line 5 "<!--<script>harm()</script>.c"
int main(void) { return !hostile(); }
C
# The name of a function is the linker's matter: it may hold anything.
${CC:-gcc} -g -O0 -c -o hostile.o hostile.c &&
	objcopy --redefine-sym "hostile=</script><script>harm()</script><img src=x onerror=harm()>" hostile.o &&
	${CC:-gcc} -o "<img src=x onerror=harm()>/a\"'<\\b" hostile.o || bail "compiled"
bytes=$(printf 'caf\351 \200\377 \355\240\200 \342\200\250 </script>')
ht --outfile=/dev/null --save=hostile.htrace "./<img src=x onerror=harm()>/a\"'<\\b" "$bytes" '-->' ']]>' '{"pid":1}' '\u003c'
agrees hostile.htrace "hostile names" "1 processes, $("$HT" export --format=json hostile.htrace | jq '.processes[0].backtraces | length') backtraces"
page made.html
like "$out" '^scripts 2 styles 1 images 0$' "and none of them got out"
is "$(grep -c 'harm()' made.html)" "$(grep 'harm()' made.html | grep -c '^"\|^{"pid"')" "they stand in the data alone"
like "$(cat made.html)" '\\u003c/script>\\u003cscript>harm()' "the function is there"
is "$(json '.processes[0].command[1]' made.json | od -An -c | tr -d ' \n')" \
	"$(data made.html | jq -r '.processes[0].command[1]' | od -An -c | tr -d ' \n')" "bytes that are no UTF-8 as in JSON"

# Nothing at all, one process of many, and many backtraces.
printf 'int main(void) { return 0; }\n' >empty.c
${CC:-gcc} -o empty empty.c
ht --format=html --outfile=empty.html ./empty
page empty.html
is "$status:$(printf '%s\n' "$out" | tail -n 1)" "0:processes 1 backtraces 0" "a program that allocates nothing"

cat >many.c <<'C'
#include "edges-backtraces.h"
int main(void) { for (int i = 0; i < 50000; i++) down(1 << 16 | i); return 0; }
C
${CC:-gcc} -I "$SOURCE/tests/guests" -D_GNU_SOURCE -g -O1 -fno-builtin -fno-inline -fno-optimize-sibling-calls -pthread -o many many.c || bail "compiled"
ht --outfile=/dev/null --save=many.htrace ./many
agrees many.htrace "50,000 backtraces" "1 processes, 50000 backtraces"
at_least "$(wc -c <made.json)" "$((20 * $(wc -c <made.html)))" "in a twentieth of the JSON report's size"

# Threads that were kept apart, and what --churn counts.
ht --by-thread --churn --outfile=/dev/null --save=threads.htrace "$GUESTS/views-threads"
agrees threads.htrace "threads and churn" "1 processes, $("$HT" export --format=json threads.htrace | jq '.processes[0].backtraces | length') backtraces"
is "$(data made.html | jq '.strings | map(select(startswith("thread "))) | length')" 5 "each thread is there"
at_least "$(data made.html | jq '.processes[0].backtraces | has("temporary_bytes") and has("reallocs") | if . then 1 else 0 end')" 1 "and so is churn"

# Slices: what was live at each moment.
cat >grow.c <<'C'
#include <stdlib.h>
#include <unistd.h>
static void leaks(int n) { if (!malloc(1000 + n)) abort(); }
static void passes(void) { void *p = malloc(5000); usleep(10000); free(p); }
int main(void) { for (int i = 0; i < 100; i++) { leaks(i); passes(); } return 0; }
C
${CC:-gcc} -g -O0 -fno-builtin -o grow grow.c || bail "compiled"
ht --interval=10ms --outfile=/dev/null --save=grow.htrace ./grow
"$HT" export --format=html --outfile=grow.html grow.htrace
agrees grow.htrace "slices" "1 processes, 2 backtraces"
"$HT" report --slices --format=json grow.htrace | jq -c '[.slices[] | [.ns, .live_bytes]]' >listed
# shellcheck disable=SC2016
is "$(data grow.html | jq -c --slurpfile listed listed '.processes[0].slices
	| [.ns, [foreach (.changes[] | [range(1; length; 3) as $i | .[$i]] | add // 0) as $more (0; . + $more)]] | transpose - $listed[0]')" "[]" \
	"each moment is a slice, with what was live then"
at_least "$(data grow.html | jq '.processes[0].slices.ns | length')" 3 "there are some"
at_least 64 "$(data grow.html | jq '.processes[0].slices.ns | length')" "but not too many for a page"

# A difference is a page too.
ht --outfile=/dev/null --save=few.htrace "$GUESTS/leak" 2 20
ht --outfile=/dev/null --save=more.htrace "$GUESTS/leak" 30 20
"$HT" diff --format=html --outfile=diff.html few.htrace run.htrace more.htrace && "$HT" diff --format=json few.htrace run.htrace more.htrace >diff.json
page diff.html diff.json
is "$out$err" "3 files, $(json '.backtraces | length' diff.json) backtraces: as in the JSON report" "a difference"
is "$(data diff.html | jq -c '.processes[0].notes')" "$(json '.notes | tostring' diff.json)" "with its notes"
page diff.html
like "$out" "^policy 'none' True True$" "and the same policy"
run "$HT" diff --format=dhat few.htrace more.htrace
is "$status" 125 "formats that hold one snapshot are refused"
like "$err" 'text, html, collapsed or json' "and those that do not are named"
if command -v script >/dev/null; then
	run script -qec "'$HT' diff --format=html few.htrace more.htrace" /dev/null
	is "$status" 125 "a difference on a terminal: 125"
else
	skip "a difference on a terminal" "script is missing"
fi

# Children: one page for the whole run, also in a file; more than one where the name asks for that.
ht --format=html sh -c "'$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30"
cp out stream.html
page stream.html
like "$out" '^processes 3 ' "one page for a run with children, on stdout"
ht --format=html --outfile=run.html sh -c "echo stays; '$GUESTS/leak' 2 20; '$GUESTS/leak' 3 30"
is "$status:$out:$err" "0:stays:" "in a file the program's streams stay what they are"
page run.html
like "$out" '^processes 3 ' "one page for a run with children, in a file"
is "$(echo run.html*)" run.html "and no other file"
ht --format=html --outfile=%n.html sh -c "'$GUESTS/leak' 2 20; true"
page leak.html
like "$out" '^processes 1 ' "with %n a page for each"
ht --format=html --outfile=dumped.html sh -c 'kill -USR1 $$; i=0; while [ ! -s dumped.html ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done; cp dumped.html between.html'
page between.html
like "$out" '^processes 1 ' "a dump while it runs is a page"
page dumped.html
at_least "$(printf '%s\n' "$out" | sed -n 's/^processes \([0-9]*\) .*/\1/p')" 2 "which the page of the whole run replaces"

start "$HT" --outfile=/dev/null sh -c 'sleep 60 & wait'
wait_until 20 eval "run '$HT' dump --format=html --outfile=live.html $pid && page live.html && printf '%s\n' \"\$out\" | grep -q '^processes 2 '"
ok $? "heaptrace dump of a run: one page of all its processes"
is "$(data live.html | jq -r '[.processes[].how_it_ended] | unique | join(" ")')" running "that run"

# What was not seen stands in the page in the words of the text report.
cp "$GUESTS/leak" .
printf 'int main(void) { return 0; }\n' >static.c
${CC:-gcc} -static -o static static.c || bail "compiled"
ht --outfile=/dev/null --save=unseen.htrace sh -c './static; ./static; exec ./leak'
"$HT" report unseen.htrace 2>/dev/null | sed -n 's/^\[heaptrace\] \(not seen: .*\)/\1/p' | sort >said
"$HT" report --format=html unseen.htrace >unseen.html
data unseen.html | jq -r '.processes[].notes[]' | grep '^not seen' | sort >noted
at_least "$(wc -l <said)" 1 "something was not seen"
same said noted "and the page says so"

run "$HT" report --format=html --outfile=/no/such/x.html run.htrace
is "$status" 125 "a directory that is missing: 125"
run "$HT" export --format=html --outfile=/dev/full run.htrace
is "$status" 125 "a full disk: 125"
if command -v script >/dev/null; then
	run script -qec "'$HT' --format=html '$GUESTS/leak'" /dev/null
	is "$status" 125 "on a terminal: 125"
	like "$out" 'not for a terminal; use --outfile=' "says what to do"
else
	skip "on a terminal" "script is missing"
fi
done_testing
