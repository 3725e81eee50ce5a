#!/bin/sh
# SPDX-License-Identifier: MIT
# fork, exec, system, popen, scripts, posix_spawn from real programs: every image is in the report.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

leaks() { json '[.processes[] | select(.command[0] | endswith("leak")) | .totals.live_bytes] | sort | map(tostring) | join(" ")'; }
printf '#!/bin/sh\n"%s" 1 11\n"%s" 1 12\n' "$GUESTS/leak" "$GUESTS/leak" >script && chmod +x script
ht_json ./script
is "$(leaks)" "11 12" "a #! script"
is "$(json '.processes[0].command | last')" ./script "the script's name in its command"
printf '#!/usr/bin/env sh\nexec "%s" 1 13\n' "$GUESTS/leak" >script2 && chmod +x script2
ht_json ./script2
is "$(leaks)" "13" "env sh, exec"
is "$(json '[.processes[].how_it_ended] | join(" ")')" "exec exec exit:0" "three images of one process"
ht_json perl -e 'system(@ARGV); open(P, "-|", @ARGV); 1 while <P>; close P; exec @ARGV' "$GUESTS/leak" 2 10
is "$(leaks)" "20 20 20" "perl: system, pipe, exec"
ht_json python3 -c 'import subprocess, sys; subprocess.run(sys.argv[1:]); subprocess.Popen(sys.argv[1:], close_fds=True).wait()' "$GUESTS/leak" 3 10
is "$(leaks)" "30 30" "python3: subprocess"
ht_json env -i "$GUESTS/leak" 1 10
is "$status" 0 "an emptied environment: the child runs"
case $(leaks) in
10) pass "and is traced";;
*) is "$(json '[.processes[].unseen.untraced_children[]] | length > 0')" true "or named as untraced";;
esac
ht_json sh -c 'printf "1 7 2 7" | xargs -n2 "$GUESTS/leak"'
is "$status" 0 "xargs"
is "$(leaks)" "7 14" "its children are traced"
cat >wait.c <<'C'
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
int main(int argc, char **argv)
{
	char line[100];
	FILE *pipe;
	if (system(argv[1]) || wait(NULL) != -1 || errno != ECHILD || !(pipe = popen(argv[1], "r")))
		return 1;
	while (fgets(line, sizeof(line), pipe))
		;
	return pclose(pipe) || wait(NULL) != -1 || errno != ECHILD;
}
C
${CC:-gcc} -o wait wait.c || bail "compiled"
ht_json ./wait "$GUESTS/leak 4 10"
is "$status" 0 "system and popen: status, and no child more than without us"
is "$(leaks)" "40 40" "both are traced"
done_testing
