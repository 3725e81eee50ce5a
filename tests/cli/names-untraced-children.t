#!/bin/sh
# SPDX-License-Identifier: MIT
# Children that can not be traced are named with the reason, however they were started: static programs, programs whose
# environment lacks the library, programs of another user. Those that can be traced are not.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
mkdir bin elsewhere

cat >child.c <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv) { usleep(argc > 1 ? atoi(argv[1]) : 0); return !malloc(10); }
C
cat >start.c <<'C'
#define _GNU_SOURCE
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv)
{
	const char *how = argv[1];
	char *program = argv[2], *arguments[] = {program, argv[3], NULL}, *nothing[] = {NULL};
	char **environment = strstr(how, "-bare") ? nothing : environ;
	pid_t pid;
	if (!malloc(7)) return 9;
	if (strncmp(how, "spawnp", 6) == 0) return posix_spawnp(&pid, program, NULL, NULL, arguments, environment) || wait(NULL) < 0;
	if (strncmp(how, "spawn", 5) == 0) return posix_spawn(&pid, program, NULL, NULL, arguments, environment) || wait(NULL) < 0;
	if ((how[0] == 'e' ? 0 : how[0] == 'v' ? vfork() : fork()) == 0) {
		if (strstr(how, "-user") && (setgid(65534) || setuid(65534))) _exit(98);
		if (strstr(how, "-path")) execvpe(program, arguments, environment);
		else execve(program, arguments, environment);
		_exit(99);
	}
	return wait(NULL) < 0;
}
C
cc=${CC:-gcc}
$cc -w -static -o bin/static child.c || bail "compiled a static program"
{ $cc -w -o bin/dynamic child.c && $cc -w -o start start.c; } || bail "compiled"
cp bin/dynamic elsewhere/static # not the one in PATH
chmod -R a+rX .
PATH=$T/bin:$PATH

# reasons HOW PROGRAM [MICROSECONDS]: started so, from a directory where the bare name means another file
reasons()
{
	(cd elsewhere && ht_json "$T/start" "$@")
	json '[.processes[].unseen.untraced_children[].reason] | join(", ")'
}

for how in fork vfork spawn; do
	is "$(reasons $how "$T/bin/static")" "static program: $T/bin/static" "$how: a static program"
	is "$(reasons $how "$T/bin/dynamic")" "" "$how: one that is traced"
	is "$(reasons $how-bare "$T/bin/static")" "static program: $T/bin/static" "$how: a static program without our environment"
	is "$(reasons $how "$T/nothing")" "" "$how: nothing there to be executed"
done
for how in fork-path vfork-path spawnp; do
	is "$(reasons $how static)" "static program: static" "$how: a static program found through PATH"
	is "$(reasons $how dynamic)" "" "$how: one that is traced"
done
for how in fork-bare vfork-bare; do
	like "$(reasons $how "$T/bin/dynamic")" "^\(nothing heard from the library\|LD_PRELOAD is not in its environment\): $T/bin/dynamic$" "$how: a short program without our environment"
	is "$(reasons $how "$T/bin/dynamic" 900000)" "LD_PRELOAD is not in its environment: $T/bin/dynamic" "$how: a longer one"
done
if [ "$(id -u)" -eq 0 ]; then
	for how in fork-user vfork-user; do
		like "$(reasons $how "$T/bin/dynamic")" "^\(nothing heard from the library\|it runs as another user\): $T/bin/dynamic$" "$how: a short program of another user"
		is "$(reasons $how "$T/bin/dynamic" 900000)" "it runs as another user: $T/bin/dynamic" "$how: a longer one"
	done
	for time in 0 900000; do # what executes it is the launcher's child: its user is known however soon it ends
		is "$(reasons exec-user "$T/bin/dynamic" $time)" "it runs as another user: $T/bin/dynamic" "the program itself, of another user ($time us)"
	done
else
	skip "programs of another user" "needs root"
fi

ht_json ./start spawn "$T/bin/static"
is "$(json '[.processes[].unseen.untraced_children[].pid | type] | join(" ")' | sed 's/null/number/')" number "json: the pid, or null"
ht --color=never sh -c 'static; static; env -i bin/dynamic; :'
is "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] not seen: 2 children: static program: .*static$')" 1 "text: one line for one reason"
is "$(printf '%s\n' "$err" | grep -c '^\[heaptrace\] not seen: child [0-9]*: .*: bin/dynamic$')" 1 "and one for the other"
done_testing
