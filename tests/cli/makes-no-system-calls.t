#!/bin/sh
# SPDX-License-Identifier: MIT
# After start-up a traced program makes the same system calls as an untraced one, but for a few mappings when our tables
# grow.
. "${0%/*}/../lib/tap.sh"
command -v strace >/dev/null || skip_all "strace is missing"
cd "$T" || exit 1
strace -o /dev/null true 2>/dev/null || skip_all "no ptrace here"

# calls FILE: names of the system calls after the mark that the guest sets by getsid
calls()
{
	awk '/getsid/ { if (seen++ == 0) next } seen { sub(/\(.*/, ""); sub(/^[0-9]+ +/, ""); if ($1 !~ /^\+\+\+|^---/) print $1 }' "$1" | grep -v "^<\|^+++\|^---"
}
cat >mark.h <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
C
cat >plain.c <<'C'
#include "mark.h"
int main(void) { free(malloc(10)); getsid(0); for (int i = 0; i < 2000; i++) { void *p = malloc(i); free(realloc(p, 2 * i)); } write(1, "x\n", 2); return 0; }
C
cat >files.c <<'C'
#include "mark.h"
int main(void) { free(malloc(10)); getsid(0); for (int i = 0; i < 50; i++) { FILE *f = fopen("/etc/passwd", "r"); char b[100]; fgets(b, 100, f); fclose(f); } return 0; }
C
cat >forks.c <<'C'
#include "mark.h"
int main(void) { free(malloc(10)); getsid(0); for (int i = 0; i < 3; i++) { if (!fork()) { free(malloc(20)); _exit(0); } wait(NULL); } return 0; }
C
for name in plain files forks; do
	${CC:-gcc} -fno-builtin -w -o $name $name.c || bail "compiled"
	run strace -o $name.untraced ./$name
	run strace -f -o $name.all "$HT" --outfile=report ./$name
	# the program's own calls: those of the process that said getsid
	pid=$(awk '/getsid\(/ { print $1; exit }' $name.all)
	grep "^$pid " $name.all >$name.traced
	calls $name.untraced >a
	calls $name.traced >b
	[ -s a ]
	ok $? "$name: there are system calls"
	grep -v -e '^mmap$' -e '^munmap$' -e '^mremap$' -e '^madvise$' -e '^brk$' a >a.rest
	grep -v -e '^mmap$' -e '^munmap$' -e '^mremap$' -e '^madvise$' -e '^brk$' b >b.rest
	same a.rest b.rest "$name: the same system calls"
	extra=$(($(wc -l <b) - $(wc -l <a)))
	[ $extra -le 6 ]
	ok $? "$name: $extra mappings more"
done
done_testing
