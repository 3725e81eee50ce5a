#!/bin/sh
# SPDX-License-Identifier: MIT
# Few descriptors, small files: either the program is traced, or heaptrace says which limit is in the way. It never leaves
# its directory behind, and never blames the loader. (With CAP_SYS_RESOURCE the limits are lifted.) The same under a
# seccomp filter that takes away what the collector lives on.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

said_or_traced()
{
	case $err in
	*"no room for"*"limit -f"* | *"runs untraced"*"limit -"* | *"may run untraced"*"limit -n"* | *"cannot be started"*"limits"*) ;;
	*"dump allocation status"*) ;;
	*) return 1;;
	esac
}

for limit in "-n 4" "-n 5" "-n 6" "-n 7" "-n 8" "-n 9" "-n 10" "-n 11" "-n 12" "-f 0" "-f 1"; do
	run sh -c "{ ulimit $limit && exec \"\$HT\" \"\$GUESTS/leak\"; } 2>&1 | cat >&2" # the limit is not the pipe's
	said_or_traced
	ok $? "ulimit $limit: traced, or said why not" || diag "$err"
	unlike "$err" 'its loader\|not empty' "ulimit $limit: and nothing beside the point"
	is "$(ls "$TMPDIR")" "" "ulimit $limit: nothing left behind"
done

cat >cage.c <<'C'
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, code};
	switch (argv[1][0]) {
	case 'e': code[1].k = SYS_epoll_create1; break;
	case 's': code[1].k = SYS_signalfd4; break;
	case 't': code[1].k = SYS_timerfd_create; break;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &program)) return 77;
	execv(argv[2], argv + 2);
	return 1;
}
C
${CC:-gcc} -w -o cage cage.c || bail "compiled"
for missing in epoll signalfd timerfd; do
	TIMEOUT=20 run ./cage $missing "$HT" "$GUESTS/leak"
	[ "$status" -ne 77 ] || { skip "$missing forbidden" "no seccomp filters here"; continue; }
	is "$status" 125 "$missing forbidden: nothing is started, least of all a collector that cannot wait"
	like "$err" 'collector cannot be started: Operation not permitted; .*seccomp' "$missing forbidden: said"
	is "$(ls "$TMPDIR")" "" "$missing forbidden: nothing left behind"
done
done_testing
