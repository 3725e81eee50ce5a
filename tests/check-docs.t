#!/bin/sh
# SPDX-License-Identifier: MIT
# Every option stands in --help, in the man page and in the README's list, and those name no others. So do the fields of
# the JSON documents in theirs.
export TAP_SOURCE="${0%/*}/.."
# shellcheck source=tests/lib/tap.sh
. "${0%/*}/lib/tap.sh"

page=$SOURCE/tools/man/heaptrace.1
run "$HT" --help
help=$out
run "$HT" report --help
help="$help
$out"
for command in export diff dump top; do
	run "$HT" $command --help
	help="$help
$out"
done
flags=$(printf '%s\n' "$help" | grep -o -e '--[a-z][a-z0-9-]*' | sort -u)
[ "$(printf '%s\n' "$flags" | wc -l)" -ge 20 ]
ok $? "--help names the options"
for flag in $flags; do
	name=$(printf '%s' "${flag#--}" | sed 's/-/\\\\*-/g')
	grep -q -e "Fl \(Fl \|-\)$name\>" "$page"
	ok $? "man page: $flag"
	grep -q -e "\`[^\`]*$flag\>" "$SOURCE/README.md"
	ok $? "README: $flag"
done
for flag in $(sed -n 's/^\.It Fl.* \(Fl -[a-z-]*\).*/\1/p' "$page" | sed 's/Fl -/--/') $(grep -o '^| `[^|]*`' "$SOURCE/README.md" | grep -o -e '--[a-z][a-z-]*' | sort -u); do
	like "$help" "$flag" "a documented option exists: $flag"
done

keys=$(sed -n '/^\.It Fl s .*Fl -sort/,/^\.El/s/^\.It Cm //p' "$page" | xargs)
is "$("$HT" --help | sed -n 's/.*a text section for each key: //p' | sed 's/ (default)//; s/,//g')" "$keys" "--help and man page: the keys of --sort"

# The page of a subcommand names exactly the options that the command takes.
flags_in() { grep -o -e '--[a-z][a-z0-9-]*' | sort -u; }
for command in report export diff dump top ctl; do
	sed -n 's/^\.It Fl\(.*\)/\1/p' "$BUILD/man/heaptrace-$command.1" | sed 's/ Fl -/ --/g; s/^ -/ --/' | flags_in >"$T/named"
	"$HT" $command --help | sed -n 's/^  \(...\) \(--[a-z0-9-]*\).*/\2/p' | flags_in >"$T/taken"
	at_least "$(wc -l <"$T/taken")" "$([ $command = ctl ] && echo 1 || echo 10)" "$command --help names options"
	same "$T/named" "$T/taken" "heaptrace-$command(1) names the options of its command, and no others"
done

# fields_of FILE...: all that are in JSON documents, as .processes[].pid
fields_of() { jq -r 'paths | map(if type == "number" then "[]" else ".\(.)" end) | join("")' "$@" | grep -v '\[\]$' | sort -u; }
# documented SECTION NAME: the same from the man page; its subsections say where a field is, "Fields of .processes[]"
documented()
{
	awk -v section="$1" '/^\.Sh / { here = $2 == section } /^\.Ss Fields of / { where = $4 ~ /^\./ ? $4 : "" }
		here && /^\.It Va / { for (i = 3; i <= NF; i++) if ($i != ",") print where "." $i }' \
		"$SOURCE/tools/man/heaptrace-json.5" | sort -u
}

# The schema has the same fields, of every kind of document.
while read -r section kind; do
	documented "$section" >"$T/named"
	python3 "$SOURCE/tests/lib/schema.py" fields "$SOURCE/tools/man/heaptrace.schema.json" "$kind" | sort -u >"$T/fields"
	same "$T/fields" "$T/named" "the schema has the fields of a $kind that heaptrace-json(5) names, and no others"
done <<'LIST'
REPORTS report
DIFFERENCES difference
SLICES slices
TRACES trace
DUMPS dump
LIST

cd "$T" || exit 1
echo 'int main(void) { return 0; }' >static.c
printf '#include <stdlib.h>\nint main(void) { return !malloc(VERSION); }\n' >program.c
${CC:-gcc} -static -o static static.c && ${CC:-gcc} -fno-builtin -DVERSION=1 -o program program.c || bail "compiled"
ht --format=json --outfile=untraced sh -c './static; exit 0'
ht --format=json --outfile=first --save=first.htrace ./program
ht --churn --by-thread --format=json --outfile=churned ./program
${CC:-gcc} -fno-builtin -DVERSION=2 -o program program.c
ht --format=json --outfile=second --save=second.htrace ./program
"$HT" report --format=json first.htrace >renamed
ht --format=json --churn --fold-recursion --group=thread --outfile=folded "$GUESTS/views"
"$HT" diff --format=json first.htrace second.htrace >difference
is "$(jq '[.processes[].unseen.untraced_children[]] | length' untraced)" 1 "a report with a child that was not traced"
at_least "$(jq '[.processes[].unnamed_modules[]] | length' renamed)" 1 "one with a module that has changed"
fields_of untraced* first second renamed folded churned >fields
documented REPORTS >named
at_least "$(wc -l <named)" 50 "the man page names fields"
same fields named "heaptrace-json(5) names the fields of a report, and no others"
ht --interval=10ms --save=sliced.htrace ./program
"$HT" report --window=.. --format=json sliced.htrace >window
"$HT" report --slices --format=json sliced.htrace >slices
at_least "$(jq '[.slices[].changes[]] | length' slices)" 1 "slices with a change"
fields_of difference window >fields
documented DIFFERENCES >named
same fields named "and those of a difference"
fields_of slices >fields
documented SLICES >named
same fields named "and those of slices"
ht -q --outfile=report "$GUESTS/esp-dump" shapes
sed -n '/^--- json$/,/^--- top$/{/^---/d;p;}' out >dumped
ht -q --outfile=report "$GUESTS/esp-tohost" sample sample.trace
"$HT" report -j sample.trace >traced
fields_of traced >fields
documented TRACES >named
same fields named "those of a trace of heap_trace_init_tohost()"
fields_of dumped >fields
documented DUMPS >named
same fields named "and those of a dump of heap_trace"
done_testing
