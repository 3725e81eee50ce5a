#!/bin/sh
# SPDX-License-Identifier: MIT
# A subcommand's options may stand behind its operands, too; those behind a program are the program's.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >program.c <<'C'
#include <stdlib.h>
void *kept;
int main(int argc, char **argv) { kept = malloc(100 * (size_t)argc); return argv[argc - 1][0] == '-' ? 9 : 0; }
C
${CC:-gcc} -fno-builtin -g -w -o program program.c || bail "compiled"

run "$HT" --save=a.htrace --outfile=a ./program
run "$HT" --save=b.htrace --outfile=b ./program --depth=7
is "$status" 9 "what stands behind a program is the program's"
run "$HT" --save=c.htrace --outfile=c -- ./program
is "$status" 0 "-- ends the options"

run "$HT" report a.htrace --format json --no-lines
is "$status $(printf '%s\n' "$out" | jq '.processes[0].totals.live_bytes')" "0 100" "report FILE OPTIONS"
run "$HT" export b.htrace --format=collapsed
like "$out" ' 200$' "export FILE OPTIONS"
run "$HT" diff a.htrace --format=json b.htrace --no-lines c.htrace
is "$(printf '%s\n' "$out" | jq -r '[.files[].path] | join(" ")')" "a.htrace b.htrace c.htrace" "diff: operands stay in order"
run "$HT" report --format=json -- a.htrace
is "$status" 0 "report OPTIONS -- FILE"
run "$HT" report a.htrace -- --format=json
is "$status" 125 "report FILE -- FILE: two files"
like "$err" 'more than one FILE' "and says so"
run "$HT" report a.htrace --outfile
is "$status" 125 "an option without its value"
like "$err" 'outfile needs a value' "and says so"
run "$HT" report a.htrace --exact
like "$err" 'exact is not for this command' "an option of another command"
run "$HT" dump 1 2 --format=json
like "$err" 'one PID at a time' "dump: two operands"
run "$HT" top 1 -- ./program
is "$status" 125 "top PID -- PROGRAM: either or"
run "$HT" top --count=1 -- ./program --count=5
is "$status" 9 "top -- PROGRAM: what stands behind it is the program's"
done_testing
