#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace top -- PROGRAM: the program runs as in any run, its output goes to a file, its exit status is ours; it is seen
# from its beginning to its end, through exec, with its children.
. "${0%/*}/../lib/tap.sh"
# shellcheck source=tests/lib/screen.sh
. "$SOURCE/tests/lib/screen.sh"
command -v python3 >/dev/null || skip_all "python3 is missing"
cd "$T" || exit 1
export TERM=xterm # there may be none

screen "$HT" top -- "$GUESTS/leak" <<EOF
expect the shortest program is seen: heaptrace top: leak \(pid [0-9]+\), ENDED: exit 0
expect to its last byte: ^live +1\.100 KB in 10 blocks
expect with its backtrace: ^>1\.10 KB +10 .* leak < leak_a < main$
keys q
ends its exit status: 0
restored the terminal is as before
EOF
is "$(ls "$TMPDIR")" "" "nothing is left behind"

cat >program.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
void *volatile kept;
int main(int argc, char **argv)
{
	char line[64] = "end of file";
	if (argc > 2 && fgets(line, sizeof(line), stdin))
		line[sizeof(line) - 1] = 0;
	printf("stdin: %s\n", line);
	fflush(stdout);
	fprintf(stderr, "stderr: %d %d %d\n", isatty(0), isatty(1), isatty(2));
	for (int i = 0; i < 7; i++)
		kept = malloc(1001);
	while (access(argv[1], F_OK))
		usleep(10000);
	return 9;
}
C
${CC:-gcc} -g -fno-builtin -o program program.c || bail "compiled"
screen "$HT" top --refresh=100ms -- ./program ./stop read <<EOF
size 200 24
expect it runs: in [89] blocks
keys p
expect sorted by its peak: ^> *7\.01 KB +7 .*main
keys o
expect its output on demand: ^stdin: end of file$
expect all of it: ^stderr: 0 0 0$
keys esc q
expect leaving asks: t ends it \(SIGTERM\), w waits for its end
keys esc
gone and can be taken back: t ends it
shell touch stop
expect it has ended: ENDED: exit 9
keys q
ends its exit status: 9
restored the terminal is as before
expect what it wrote is kept: ^\[heaptrace\] the output of \./program is in .*/heaptrace\.top-.*\.log
EOF
is "$(cat "$TMPDIR"/heaptrace.top-*.log)" "stdin: end of file
stderr: 0 0 0" "and is in that file"
rm -f "$TMPDIR"/heaptrace.top-*.log stop

echo "a word" >words
screen sh -c "exec '$HT' top --program-output=said -- ./program ./stop read <words" <<EOF
expect input that is no terminal is the program's: in [89] blocks
shell touch stop
expect keys come from the terminal all the same: ENDED: exit 9
keys q
ends its exit status: 9
EOF
like "$(cat said)" '^stdin: a word' "--program-output"
rm -f stop

for key in t:143 w:9; do
	screen "$HT" top --refresh=100ms --program-output=/dev/null -- ./program ./stop <<EOF
expect $key, it runs: in [89] blocks
keys q
expect $key, it asks: waits for its end
keys ${key%:*}
shell sleep 0.3; touch stop
ends $key, status: ${key#*:}
restored $key, the terminal is as before
EOF
	rm -f stop
done
for signal in TERM:143 INT:130 HUP:129; do
	screen "$HT" top --program-output=/dev/null -- ./program ./stop <<EOF
expect ${signal%:*}, it runs: in [89] blocks
signal ${signal%:*}
ends ${signal%:*}, the program gets it and dies of it, and so do we: ${signal#*:}
restored ${signal%:*}, the terminal is as before
EOF
done
screen "$HT" top --program-output=/dev/null -- "$GUESTS/ends-segv" <<EOF
expect a crash: ENDED: killed by SIGSEGV
keys q
ends we end alike: 139
restored the terminal is as before
EOF

# exec keeps the pid, the new image is followed; of a shell's children one is chosen
screen "$HT" top --refresh=100ms --program-output=/dev/null -- sh -c "exec ./program ./stop" <<EOF
expect what is executed is followed: heaptrace top: program \(pid
expect and counted from its own beginning: in [89] blocks
shell touch stop
expect it ends: ENDED: exit 9
keys q
ends status: 9
EOF
rm -f stop
screen "$HT" top --refresh=100ms --program-output=/dev/null -- sh -c "./program ./stop; exit 5" <<EOF
expect its children are counted: 1 of 2 processes
keys n
expect they are listed: \* +[0-9]+ +sh
expect both: ^    +[0-9]+ +program
keys down enter
expect and chosen: heaptrace top: program \(pid
expect with their own figures: in [89] blocks
shell touch stop
expect its end: ENDED: exit 9
keys q
ends the status is the shell's: 5
EOF
rm -f stop

# bad input
screen "$HT" top -- ./nonexistent <<EOF
ends a program that is not there: 127
expect is named: \./nonexistent
restored the terminal was not touched
EOF
screen "$HT" top --program-output=/nonexistent/file -- ./program stop <<EOF
ends an output that cannot be written: 125
expect is named: /nonexistent/file
EOF
ht top -- ./program stop
is "$status" 125 "no terminal: 125"
like "$err" 'no terminal.*--batch' "says what to do"
run setsid sh -c "'$HT' top -- ./program stop <&- 2>'$T/why'"
is "$status" 125 "no terminal at all: 125"
done_testing
