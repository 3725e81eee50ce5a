#!/bin/sh
# SPDX-License-Identifier: MIT
# Every mistake has a clear message (what, why, what to do) on stderr and its exit status; nothing is run.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

refused 127 'no-such-program.*not found' "not found" no-such-program
refused 127 '/no/such/program' "no such path" /no/such/program
echo 'not a program' >data
refused 126 'data.*not executable\|data.*[Pp]ermission' "not executable" ./data
mkdir directory
refused 126 'directory' "a directory" ./directory
chmod +x data
ht ./data
case $status in 126 | 127) pass "a text file without #!: as a shell would say ($status)";; *) fail "a text file without #!" "status $status: $err";; esac
printf '\177ELF\002\001\001 rubbish' >rubbish && chmod +x rubbish
ht ./rubbish
case $status in 125 | 126) pass "a broken ELF file: $status";; *) fail "a broken ELF file" "status $status: $err";; esac
refused 125 'help takes no value' "--help=3" --help=3
refused 125 'unknown option.*--no-such-option' "unknown option" --no-such-option "$GUESTS/leak"
refused 125 '-x' "unknown short option" -x "$GUESTS/leak"
refused 125 'top.*abc' "--top=abc" --top=abc "$GUESTS/leak"
refused 125 'top' "--top=-1" --top=-1 "$GUESTS/leak"
refused 125 'top' "--top= of more than a number holds" --top=99999999999999999999 "$GUESTS/leak"
refused 125 'sort.*foo.*size.*count' "--sort=foo names the keys" --sort=foo "$GUESTS/leak"
refused 125 'sort' "--sort=" --sort= "$GUESTS/leak"
refused 125 'depth' "--depth=0" --depth=0 "$GUESTS/leak"
refused 125 'format.*xml' "--format=xml" --format=xml "$GUESTS/leak"
refused 125 'flame-graph.*wide' "--flame-graph=wide" --flame-graph=wide "$GUESTS/leak"
refused 125 'signals' "--signals=NONSENSE" --signals=NONSENSE "$GUESTS/leak"
refused 125 'signals\|KILL' "--signals=KILL" --signals=KILL "$GUESTS/leak"
refused 125 'color' "--color=blue" --color=blue "$GUESTS/leak"
refused 125 'exact' "--exact=1 takes no value" --exact=1 "$GUESTS/leak"
refused 125 'outfile' "--outfile without value" --outfile
refused 125 'PROGRAM' "no program"
refused 125 'outfile\|/no/such' "outfile in a missing directory" --outfile=/no/such/directory/file "$GUESTS/leak"
refused 125 'directory' "outfile is a directory" --outfile="$T/directory" "$GUESTS/leak"
refused 125 'save\|/no/such' "save in a missing directory" --save=/no/such/directory/file.htrace "$GUESTS/leak"
refused 125 'libunwind\|unwinder' "--unwinder=magic" --unwinder=magic "$GUESTS/leak"

# The rest of a command line is the program's.
ht "$GUESTS/leak" 0 0 7 --no-such-option
is "$status" 7 "options behind the program are the program's"
ht --top=1 -- "$GUESTS/leak" 0 0 8
is "$status" 8 "-- ends the options"
cp "$GUESTS/leak" report
run env PATH="$T:$PATH" "$HT" -- report 0 0 9
is "$status" 9 "a program that bears a subcommand's name, after --"

if nobody_works; then
	mkdir locked && chmod 755 "$T" && chmod 700 locked
	as_nobody "$HT" --outfile="$T/locked/file" "$GUESTS/leak"
	is "$status" 125 "outfile in a directory without permission: 125"
	like "$err" '[Pp]ermission' "and why"
else
	skip "outfile in a directory without permission" "needs root, setpriv and a build directory that others may enter"
fi
done_testing
