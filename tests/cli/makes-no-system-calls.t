#!/bin/sh
# SPDX-License-Identifier: MIT
# After start-up a traced program makes the same system calls as an untraced one, in all its threads and children, but for
# a few mappings when our tables grow.
. "${0%/*}/../lib/tap.sh"
command -v strace >/dev/null || skip_all "strace is missing"
command -v python3 >/dev/null || skip_all "python3 is missing"
cd "$T" || exit 1
strace -o /dev/null true 2>/dev/null || skip_all "no ptrace here"

# Each program allocates once, so that we have started, and says by getsid() where it begins.
cat >mark.h <<'C'
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static void start(void) { free(malloc(10)); getsid(0); }
static void work(int n) { for (int i = 0; i < n; i++) { void *p = malloc(i); free(realloc(p, 2 * i)); } }
C
cat >plain.c <<'C'
#include "mark.h"
int main(void) { start(); work(2000); write(1, "x\n", 2); return 0; }
C
cat >files.c <<'C'
#include "mark.h"
int main(void) { start(); for (int i = 0; i < 50; i++) { FILE *f = fopen("/etc/passwd", "r"); char b[100]; fgets(b, 100, f); fclose(f); } return 0; }
C
cat >forks.c <<'C'
#include "mark.h"
int main(void) {
	start();
	for (int i = 0; i < 3; i++) {
		if (!fork()) { work(500); write(1, "c\n", 2); if (i == 2 && !fork()) { work(50); exit(0); } while (wait(NULL) > 0); exit(0); }
		work(100);
		wait(NULL);
	}
	return 0;
}
C
cat >threads.c <<'C'
#include "mark.h"
static int out;
static void *thread(void *n) { work(2000); write(out, "t", 1); return NULL; }
int main(void) {
	int fds[2]; char c; pthread_t id;
	start();
	pipe(fds);
	out = fds[1];
	for (long i = 0; i < 4; i++) { pthread_create(&id, NULL, thread, (void *)i); read(fds[0], &c, 1); pthread_join(id, NULL); }
	return 0;
}
C
cat >threads-fork.c <<'C'
#include "mark.h"
static void *thread(void *n) { work(500); if (!fork()) { work(500); write(1, "c\n", 2); _exit(0); } wait(NULL); work(500); return NULL; }
int main(void) {
	pthread_t id;
	start();
	for (int i = 0; i < 3; i++) { pthread_create(&id, NULL, thread, NULL); pthread_join(id, NULL); work(100); }
	return 0;
}
C
cat >signals.c <<'C'
#include "mark.h"
static void handler(int number) { free(malloc(number)); }
int main(void) {
	start();
	signal(SIGUSR1, handler);
	signal(SIGALRM, handler);
	for (int i = 0; i < 100; i++) { raise(i % 2 ? SIGUSR1 : SIGALRM); work(10); }
	return 0;
}
C

# same_calls NAME: traced and untraced
same_calls()
{
	run strace -f -o "$1.untraced" ./"$1"
	is "$status" 0 "$1: runs"
	run strace -f -o "$1.traced" "$HT" --outfile=report ./"$1"
	is "$status" 0 "$1: runs traced"
	for run in untraced traced; do
		python3 "$SOURCE/tests/lib/strace_calls.py" "$1.$run" >"$1.$run.tasks" || fail "$1: $run" "$(head -3 "$1.$run")"
		cut -f 2 "$1.$run.tasks" >"$1.$run.calls"
	done
	is "$(wc -l <"$1.untraced.calls"):$(grep -c . "$1.untraced.calls")" "$2:$2" "$1: $2 threads and processes, with system calls"
	same "$1.untraced.calls" "$1.traced.calls" "$1: the same system calls"
	extra=$(($(awk '{ n += $1 } END { print n }' "$1.traced.tasks") - $(awk '{ n += $1 } END { print n }' "$1.untraced.tasks")))
	[ $extra -le $((6 * $2)) ]
	ok $? "$1: $extra mappings more"
}

for case in plain:1 files:1 forks:5 threads:5 threads-fork:7 signals:1; do
	name=${case%:*}
	${CC:-gcc} -fno-builtin -w -pthread -o "$name" "$name.c" || bail "compiled"
	same_calls "$name" "${case#*:}"
done
done_testing
