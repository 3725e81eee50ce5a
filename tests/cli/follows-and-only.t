#!/bin/sh
# SPDX-License-Identifier: MIT
# --follow=all|exec|none and --only=NAME: which processes are reported. The others run as ever, and are no loss.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >family.c <<'C'
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* 11 bytes; a child with 22; a child with 33 that executes the arguments, in a process that it forks for them */
int main(int argc, char **argv)
{
	char *volatile p = malloc(11);
	int status;
	if (fork() == 0) { p = malloc(22); _exit(getenv("LD_PRELOAD") ? 4 : 5); }
	wait(&status);
	if (fork() == 0) { p = malloc(33); execvp(argv[1], argv + 1); _exit(99); }
	wait(&status);
	return p && WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}
C
cat >still.c <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(void) { char *volatile p = malloc(7); if (fork() == 0) { p = malloc(9); close(0); close(1); close(2); usleep(700000); } return !p; }
C
echo 'int main(void) { return 6; }' >static.c
cc="${CC:-gcc} -fno-builtin"
{ $cc -o family family.c && $cc -o still still.c && $cc -static -o static static.c; } || bail "compiled"
cat >script <<S
#!/bin/sh
'$GUESTS/leak' 2 20
exit 3
S
chmod +x script

# who OPTION... PROGRAM...: "name:live bytes" of all that is reported
who()
{
	ht_json "$@"
	json '[.processes[] | "\(.command[0] | split("/") | last):\(.totals.live_bytes)"] | join(" ")'
}
is "$(who ./family "$GUESTS/leak" 3 30)" "family:11 family:22 family:33 leak:90" "by default all"
is "$(who --follow=all ./family "$GUESTS/leak" 3 30)" "family:11 family:22 family:33 leak:90" "--follow=all"
is "$(who --follow=exec ./family "$GUESTS/leak" 3 30)" "family:11 leak:90" "--follow=exec: what was executed, but no mere forks"
is "$(who --follow=none ./family "$GUESTS/leak" 3 30)" "family:11" "--follow=none: the program alone"
is "$(who --follow=none sh -c "exec '$GUESTS/leak' 3 30" | sed 's/.* //')" "leak:90" "--follow=none: what the program itself becomes is no child"
is "$(who --only=leak ./family "$GUESTS/leak" 3 30)" "leak:90" "--only: a name"
is "$(who --only=f?mily ./family "$GUESTS/leak" 3 30)" "family:11 family:22 family:33" "--only: a pattern, and its forks"
ht --only=lea ./family "$GUESTS/leak" 3 30
unlike "$err" finalized "--only: not a part of a name"
is "$(who --only=lea --only='l*k' ./family "$GUESTS/leak" 3 30)" "leak:90" "--only: one of two"
is "$(who --only='fam*' --follow=exec ./family "$GUESTS/leak" 3 30)" "family:11" "both"
is "$(who --only=script ./family ./script | tr ' ' '\n' | grep -c leak)" 0 "a script by its own name, without what it runs"
at_least "$(json '.processes | length')" 1 "but itself"

# The others run as they would.
for options in --follow=none --follow=exec --only=family --only=sh; do
	ht $options --outfile=report ./family sh -c 'echo out; echo err >&2; exit 7'
	is "$status:$out:$err" "7:out:err" "$options: status, stdout and stderr of the others"
done
ht --follow=none --outfile=report ./family env
is "$(printf '%s\n' "$out" | grep -c -e HEAPTRACE -e LD_PRELOAD)" 1 "their environment holds what it always does"
ht --follow=none ./family "$GUESTS/ends-segv"
is "$(printf '%s\n' "$err" | grep -c finalized)" 1 "text: one report"
ht --follow=none --flame-graph ./family "$GUESTS/leak" 3 30
is "$out" "$(printf '%s\n' "$out" | grep '^family;.* 11$')" "collapsed: one stack"
rm -f json*
ht --follow=exec --save=keep.htrace --outfile=keep ./family "$GUESTS/leak" 3 30
is "$(find . -name 'keep*' | wc -l)" 4 "snapshots and files of what is reported, and no others"

# What is left out is no loss; what is wanted and was missed is.
lost() { ht_json "$@" && json '[.processes[].unseen.untraced_children[].reason] | join(", ")'; }
is "$(lost ./family ./static)" "static program: ./static" "a static child is named"
is "$(lost --follow=exec ./family ./static)" "static program: ./static" "--follow=exec: by a process that is reported"
is "$(lost --follow=none ./family ./static)" "" "--follow=none: not"
is "$(lost --only=family ./family ./static)" "" "--only: not, it has another name"
is "$(lost --only=family --only='stat*' ./family ./static)" "static program: ./static" "--only: but if it is meant"
is "$(lost --follow=none ./family "$GUESTS/leak" 3 30)" "" "--follow=none: nor one that was refused"
ht --only=leak ./family "$GUESTS/leak" 3 30
unlike "$err" 'not seen\|untraced' "--only: nothing is said of others"

# Limits, and what outlives the run.
ht --follow=none --max-live=11 --outfile=/dev/null ./family "$GUESTS/leak" 3 30
is "$status" 0 "limits are those of what is reported"
ht --follow=exec --max-live=11 --outfile=/dev/null ./family "$GUESTS/leak" 3 30
is "$status" 120 "of all of it"
ht --follow=exec ./still
unlike "$err" 'still running' "a fork child that goes on and is left out is not waited for"
is "$(printf '%s\n' "$err" | grep -c finalized)" 1 "and not reported"
ht ./still
like "$err" 'still running' "else it is said"

ht --only=nothing ./family "$GUESTS/leak" 3 30
is "$status:$err" "0:[heaptrace] nothing was traced: 2 programs ran, and none has a name that --only=nothing matches; it takes the name without the directory, perhaps with * in it" \
	"nothing of that name"
ht --follow=none --force "$T/static"
is "$status" 6 "a static program itself"
for bad in --follow=some --follow= --only= --only=/bin/sh --only='a[b'; do
	ht "$bad" ./family true
	is "$status$out" 125 "$bad is refused"
	like "$err" "^heaptrace: ${bad%%=*}=.*it takes" "$bad: what would be right is said"
done
wait_until 20 sh -c "! ls -d '$TMPDIR'/heaptrace-?????? 2>/dev/null"
ok $? "no run directory is left"
done_testing
