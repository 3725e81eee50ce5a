#!/bin/sh
# SPDX-License-Identifier: MIT
# A sandbox that forbids the command one system call: a right report, or a message; and never does anybody hang or stay, nor
# is anybody else sent a signal.
. "${0%/*}/../lib/tap.sh"
! sanitized || skip_all "the address sanitizer needs these calls itself"
cd "$T" || exit 1

# What the dynamic loader needs is left out: without it nothing starts.
names="accept4 access bind chdir chmod clone clone3 close_range connect dup2 epoll_create1 epoll_ctl epoll_wait fallocate
	fchmod fcntl ftruncate getcwd getdents64 getpgid getpid getppid getrandom getsockopt getuid geteuid ioctl kill listen lseek
	madvise memfd_create mkdir mremap clock_nanosleep pidfd_open pipe2 poll prctl prlimit64 readlink recvfrom recvmsg rename rmdir
	rt_sigaction rt_sigprocmask sendmsg sendto setpgid setsid setsockopt shutdown signalfd4 socket socketpair symlink sysinfo
	timerfd_create timerfd_settime umask unlink wait4"
{
	cat <<'C'
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
static const struct { const char *name; int number; } calls[] = {
C
	for name in $names; do echo "{\"$name\", SYS_$name},"; done
	cat <<'C'
};
int main(int argc, char **argv) /* NAME ERRNO COMMAND... */
{
	int i = 0;
	while (strcmp(calls[i].name, argv[1])) i++;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | atoi(argv[2])), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {4, filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 99;
	execv(argv[3], argv + 3);
	return 98;
}
C
} >forbid.c
${CC:-gcc} -w -o forbid forbid.c || bail "compiled"
run ./forbid mkdir 1 /bin/true
[ "$status" -ne 99 ] || skip_all "no seccomp filters here"

# ours: processes of this command that bear this test's mark in their environment
ours()
{
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/exe" 2>/dev/null)" = "$(readlink -f "$HT")" ] &&
			tr '\000' '\n' <"$process/environ" 2>/dev/null | grep -qx "T=$T" && echo "${process#/proc/}"
	done
}
nobody_left() { [ -z "$(ours)" ]; }

# Who has no business with us: stopped, so that any SIGCONT is seen.
sleep 100000 &
bystander=$!
reap_later $bystander
is_stopped() { grep -q '^State:.*T' "/proc/$bystander/status"; }
stop_bystander() { kill -STOP $bystander && wait_until 20 is_stopped; }
stop_bystander || bail "a process can be stopped"

export TIMEOUT=60
for name in $names; do
	bad=
	for error in 1 38; do # EPERM, ENOSYS
		rm -f report
		run ./forbid "$name" $error "$HT" --format=json --outfile="$T/report" --no-lines --no-cache "$GUESTS/leak" 10 110 3
		case $status:$(json '.processes[0].totals.live_bytes' report 2>/dev/null):$err in
		3:1100:*) ;;
		3::*'[heaptrace]'* | 125::*heaptrace:*) ;;
		*) bad="$bad errno $error: status $status, $(head -c 200 report 2>&1), $err";;
		esac
	done
	wait_until 30 nobody_left || bad="$bad left: $(ours | tr '\n' ' ')"
	is_stopped || { bad="$bad somebody else was continued"; stop_bystander; }
	# shellcheck disable=SC2046
	reap_later $(ours)
	is "$bad" "" "$name"
done

# Without a current directory, nothing is written elsewhere.
mkdir gone
run sh -c 'cd gone && rmdir ../gone && exec "$HT" --outfile=report "$GUESTS/leak" 10 110 3'
is "$status" 125 "a removed directory and a file of ours in it: 125"
like "$err" 'current directory cannot be found: No such file' "and why"
mkdir gone
run sh -c 'cd gone && rmdir ../gone && exec "$HT" "$GUESTS/leak" 10 110 3'
is "$status" 3 "a removed directory: the program runs there as it would"
like "$err" '=== backtrace #1' "and is reported"
done_testing
