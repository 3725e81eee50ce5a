// SPDX-License-Identifier: MIT
// Blocked signals stay pending for sigwait and signalfd, and no signal is blocked or pending that was not.
// Expect: allocations=2 frees=0 bytes=20 live_blocks=2 live_bytes=20
#include "guest.h"
#include <sys/signalfd.h>

int main(void)
{
	struct signalfd_siginfo info;
	sigset_t set, now;
	int got, fd;

	check(sigprocmask(SIG_SETMASK, NULL, &now) == 0 && sigisemptyset(&now));
	leak(1, 10);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	kill(getpid(), SIGUSR1);
	leak(1, 10);
	check(sigpending(&now) == 0 && sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
	check(sigwait(&set, &got) == 0 && got == SIGUSR1);
	check((fd = signalfd(-1, &set, 0)) >= 0);
	kill(getpid(), SIGUSR2);
	check(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR2);
	check(sigpending(&now) == 0 && sigisemptyset(&now));
	return 0;
}
