// SPDX-License-Identifier: MIT
// A strict filter: read, write, exit, exit_group, brk, mmap, munmap, futex, rt_sigreturn. 5,000 backtraces and 60,000
// blocks inside it.
// Expect: allocations=60010 frees=0 bytes=600100 live_blocks=60010 live_bytes=600100
// Own: inside 60000 600000 60000 600000
#include "guest.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#define ALLOW(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static void inside(int bits)
{
	if (bits > 1)
		bits & 1 ? inside(bits >> 1) : inside(bits >> 1);
	else
		for (int i = 0; i < 12; i++)
			check(malloc(10));
}

int main(void)
{
	struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)), ALLOW(read), ALLOW(write),
				       ALLOW(exit), ALLOW(exit_group), ALLOW(brk), ALLOW(mmap), ALLOW(munmap), ALLOW(futex),
				       ALLOW(rt_sigreturn), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	leak(10, 10);
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
	for (int i = 0; i < 5000; i++)
		inside(4096 + i % 4096);
	return 0;
}
