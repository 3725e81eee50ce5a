#!/bin/sh
# SPDX-License-Identifier: MIT
# A signal that the parent ignored stays ignored; the mask is inherited; nothing of ours shows.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >look.c <<'C'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
	struct sigaction a;
	sigset_t mask;
	free(malloc(1));
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < 65; i++)
		if (sigaction(i, NULL, &a) == 0 && (a.sa_handler != SIG_DFL || sigismember(&mask, i)))
			printf("%d %s %d\n", i, a.sa_handler == SIG_IGN ? "ignored" : a.sa_handler == SIG_DFL ? "default" : "handled", sigismember(&mask, i));
	fflush(stdout);
	raise(SIGUSR1);
	raise(SIGUSR2);
	return 0;
}
C
${CC:-gcc} -w -o look look.c || bail "compiled"
cat >with.py <<'PY'
import os, signal, sys
signal.signal(signal.SIGUSR1, signal.SIG_IGN); signal.signal(signal.SIGUSR2, signal.SIG_IGN); signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH, signal.SIGTERM, signal.SIGCHLD])
os.execvp(sys.argv[1], sys.argv[1:])
PY
run python3 with.py ./look
cp out plain
is "$status" 0 "untraced"
run python3 with.py "$HT" --outfile=report ./look
is "$status" 0 "ignored signals do not kill"
same plain out "the same dispositions and mask"
done_testing
