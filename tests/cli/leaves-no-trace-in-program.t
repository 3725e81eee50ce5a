#!/bin/sh
# SPDX-License-Identifier: MIT
# The program finds no descriptor, thread, child or environment variable of ours but LD_PRELOAD.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >look.c <<'C'
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static void list(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int n = 0;
	while ((e = readdir(d))) n += e->d_name[0] != '.';
	printf("%s %d\n", path, n);
	closedir(d);
}
int main(void)
{
	free(malloc(1));
	list("/proc/self/fd");
	list("/proc/self/task");
	printf("%d %s\n", wait(NULL), strerror(errno));
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "LD_PRELOAD=", 11)) puts(*e);
	printf("next descriptor %d\n", dup(0));
	return 0;
}
C
${CC:-gcc} -w -o look look.c || bail "compiled"
run ./look
cp out plain
ht --outfile=report ./look
is "$status" 0 "status"
same plain out "descriptors, threads, children, environment are the same"
run env -i A=B ./look
cp out plain
run env -i A=B TMPDIR="$TMPDIR" "$HT" --outfile=report ./look
grep -v '^TMPDIR=' out >rest
same plain rest "also in an empty environment"
run unshare -U true
if [ "$status" -eq 0 ]; then
	printf '#define _GNU_SOURCE\n#include <sched.h>\n#include <stdlib.h>\nint main(void) { free(malloc(1)); return unshare(CLONE_NEWUSER) != 0; }\n' >unshare.c
	${CC:-gcc} -fno-builtin -w -o unshare unshare.c || bail "compiled"
	ht ./unshare
	is "$status" 0 "unshare(CLONE_NEWUSER) works, as in a program with one thread"
else
	skip "unshare(CLONE_NEWUSER)" "no user namespaces here"
fi
is "$(find "$TMPDIR" -mindepth 1 | head)" "" "nothing is left in the temporary directory"
mkdir runtime && chmod 711 runtime # root passes by what others could not pass through
run env XDG_RUNTIME_DIR="$T/runtime" "$HT" --outfile=report sh -c 'echo $LD_PRELOAD; ls -ld "${LD_PRELOAD%/*}"'
like "$out" "^$T/runtime/heaptrace-......\?/libheaptrace.so\$" "the run's directory is in XDG_RUNTIME_DIR"
like "$out" '^drwx--[-x]--[-x]' "which others can not read"
is "$(ls -A runtime)" "" "and gone afterwards"
done_testing
