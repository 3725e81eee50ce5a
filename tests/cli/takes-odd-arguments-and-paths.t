#!/bin/sh
# SPDX-License-Identifier: MIT
# Arguments with newlines, spaces, dashes, empty ones, 1 MB of them; paths with spaces, colons and other bytes.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >echo.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) { free(malloc(1)); for (int i = 1; i < argc; i++) printf("<%s>\n", argv[i]); return 0; }
C
${CC:-gcc} -w -o echo echo.c || bail "compiled"
newline='two
lines'
run ./echo "$newline" ' a  b ' '' --top=3 -- '"quoted"' "back\\slash" '%p'
cp out plain
ht_json ./echo "$newline" ' a  b ' '' --top=3 -- '"quoted"' "back\\slash" '%p'
same plain out "odd arguments arrive"
is "$(json '.processes[0].command[1:] | @json')" '["two\nlines"," a  b ","","--top=3","--","\"quoted\"","back\\slash","%p"]' "and stand in the report"
bytes=$(printf '\377\376x')
ht_json ./echo "$bytes"
jq -e . json >/dev/null
ok $? "bytes that are no UTF-8: valid JSON"
is "$(json '.processes[0].command[1]')" "$(printf '\357\277\275\357\277\275x')" "they become U+FFFD"
long=$(head -c 100000 /dev/zero | tr '\000' y)
run ./echo "$long" "$long" "$long" "$long" "$long" "$long" "$long" "$long" "$long" "$long"
cp out plain
ht_json ./echo "$long" "$long" "$long" "$long" "$long" "$long" "$long" "$long" "$long" "$long"
is "$status" 0 "1 MB of arguments: status"
same plain out "1 MB of arguments arrive"
jq -e '.processes[0].command | length > 0' json >/dev/null
ok $? "and a report"

mkdir 'a dir: with
everything' "$(printf 'not-\377-utf8')"
for directory in 'a dir: with
everything' "$(printf 'not-\377-utf8')"; do
	cp "$GUESTS/leak" "$directory/the program"
	name=$(printf '%s' "$directory" | tr '\n\377' '??')
	ht_json "$directory/the program" 4 25 2
	is "$status" 2 "program in '$name': status"
	is "$(totals)" "4 0 100 4 100" "program in '$name': exact"
	ht --outfile="$directory/report %n" "$directory/the program" 4 25 2
	like "$(cat "$directory/report the program")" '(the program)' "outfile in '$name'"
	mkdir "$directory/tmp"
	run env TMPDIR="$PWD/$directory/tmp" "$HT" --format=json --outfile="$T/json" "$GUESTS/leak" 4 25 2
	is "$status" 2 "TMPDIR in '$name': status"
	is "$(totals)" "4 0 100 4 100" "TMPDIR in '$name': exact" || diag "$err"
	cp "$HT" "$BUILD/libheaptrace.so" "$directory/"
	run "$directory/heaptrace" --format=json --outfile="$T/json" "$GUESTS/leak" 4 25 2
	is "$status:$(totals)" "2:4 0 100 4 100" "heaptrace itself in '$name'"
done
done_testing
