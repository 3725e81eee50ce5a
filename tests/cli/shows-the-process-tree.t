#!/bin/sh
# SPDX-License-Identifier: MIT
# A text run of several processes ends with one tree of them, where its reports are; json says who started whom.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >family.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* 11 bytes; a child with 22; a child with 33 that executes the arguments */
int main(int argc, char **argv)
{
	char *volatile p = malloc(11);
	if (fork() == 0) { p = malloc(22); _exit(4); }
	wait(NULL);
	if (fork() == 0) { p = malloc(33); execvp(argv[1], argv + 1); _exit(99); }
	wait(NULL);
	return !p;
}
C
cat >clean.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* children that have nothing live, and nothing live itself, unless there is an argument */
int main(int argc, char **argv)
{
	char *volatile p = malloc(100);
	for (int i = 0; i < 6; i++) {
		if (fork() == 0) { free(malloc(50)); _exit(0); }
		wait(NULL);
	}
	if (argc == 1) free(p);
	return 0;
}
C
cc="${CC:-gcc} -fno-builtin"
{ $cc -o family family.c && $cc -o clean clean.c; } || bail "compiled"

# tree FILE: the tree without pids
tree()
{
	sed -n '/^\[heaptrace\] processes of this run/,$p' "$1" |
		sed 's/\([0-9]\) x /\1_x_/; s/^\( .*bytes  [a-z][a-z]*:*[0-9A-Z]* *\)  [0-9][0-9]* /\1  PID /; s/_x_/ x /; s,/[^ ]*/,,g'
}
expected='[heaptrace] processes of this run: 3
        live         peak  ended           process
    11 bytes     11 bytes  exit:0          PID ./family leak 3 30
    22 bytes     22 bytes  exit:4            PID family (fork)
    33 bytes     33 bytes  exec              PID family (fork)
    90 bytes     90 bytes  exit:0              PID leak 3 30'
ht ./family "$GUESTS/leak" 3 30
is "$(tree err)" "$expected" "the tree, behind all reports"
is "$(grep -c 'processes of this run' err)" 1 "once"
ht --outfile=- ./family "$GUESTS/leak" 3 30
is "$(tree out)" "$expected" "on stdout with the reports"
is "$err" "" "then not on stderr"
ht --outfile=report ./family "$GUESTS/leak" 3 30
is "$(tree report)" "$expected" "in the first process's file"
is "$(cat report.* | grep -c 'processes of')$err" 0 "in no other's, and nowhere else"
ht --outfile=%p.txt ./family "$GUESTS/leak" 3 30
is "$(grep -l 'processes of this run' ./*.txt | wc -l)" 1 "in one file, if they have pids in their names"
ht --from=main ./family "$GUESTS/leak" 3 30
like "$err" '^    11 bytes .* exit:0 ' "with filters it holds the filtered figures"
like "$err" '^     0 bytes .* exit:0 .*leak 3 30' "of all processes"

ht "$GUESTS/leak" 3 30
unlike "$err" 'processes of' "no tree of one process"
ht sh -c "exec '$GUESTS/leak' 3 30"
unlike "$err" 'processes of' "nor of one that executes another program"
ht -q ./family "$GUESTS/leak" 3 30
unlike "$err" 'processes of' "nor with -q"
ht ./clean
is "$err" "" "nor if nothing was live anywhere"
ht ./clean keep
is "$(tree err | tail -n +3)" "   100 bytes    100 bytes  exit:0          PID ./clean keep
     0 bytes     50 bytes  exit:0            6 x clean (forks)" "many that are alike are one line"
ht --follow=none ./family "$GUESTS/leak" 3 30
unlike "$err" 'processes of' "what is not reported is not in the tree"
ht --follow=exec ./family "$GUESTS/leak" 3 30
is "$(tree err | tail -n +3)" "    11 bytes     11 bytes  exit:0          PID ./family leak 3 30
    90 bytes     90 bytes  exit:0            PID leak 3 30" "but what it started is"
for format in json collapsed csv; do
	ht --format=$format ./family "$GUESTS/leak" 3 30
	unlike "$out$err" 'processes of this run' "not with $format"
done
ht --max-live=1G ./family "$GUESTS/ends-segv"
is "$(tree err | sed -n '$s/.*\(signal:SIGSEGV\).*/\1/p')" "signal:SIGSEGV" "how each ended"
is "$status" 0 "status"

# JSON: indices in one document.
ht --format=json ./family ./family "$GUESTS/leak" 3 30
is "$(jq -r '[.processes[] | {name: "\(.command | length)\(.command[0] | split("/") | last)", parent, how_it_ended}] as $p | $p[] |
	"\(.name) \(.how_it_ended) < \(if .parent then $p[.parent].name + " " + $p[.parent].how_it_ended else null end)"' out | sort)" \
	"3leak exit:0 < 4family exec
4family exec < 4family exit:0
4family exit:0 < 5family exec
4family exit:4 < 4family exit:0
5family exec < 5family exit:0
5family exit:0 < null
5family exit:4 < 5family exit:0" "json: who started whom"
is "$(jq '[.processes[] | select(.parent == null)] | length' out)" 1 "json: one has no parent in the document"
if unshare -Urpf true 2>/dev/null; then
	ht --format=json unshare -Urpf "$T/family" "$GUESTS/leak" 3 30
	is "$(jq -r '[.processes[] | select(.command[0] | endswith("leak"))][0].parent as $i | .processes[$i].how_it_ended' out)" exec "json: in pid namespaces too"
	is "$(jq '[.processes[] | select(.parent == null)] | length' out)" 1 "json: and nobody is lost"
else
	skip "json: in pid namespaces too" "no user namespaces here"
fi
done_testing
