// SPDX-License-Identifier: MIT
// The program's own handlers of SIGUSR1 and SIGUSR2, by sigaction and by signal, before and after a thread exists;
// nothing of ours is to be seen in what those functions return.
// Expect: counter
// Own: leak 3 30 3 30
#include "guest.h"

static volatile sig_atomic_t got1, got2;
static void one(int signal) { got1++; }
static void two(int signal) { got2++; }
static void *nothing(void *unused) { return NULL; }

int main(void)
{
	struct sigaction old, own = {.sa_handler = one, .sa_flags = SA_RESTART};
	pthread_t thread;

	check(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == SIG_DFL && old.sa_flags == 0);
	check(sigaction(SIGUSR1, &own, &old) == 0 && old.sa_handler == SIG_DFL);
	check(signal(SIGUSR2, two) == SIG_DFL);
	leak(1, 10);
	raise(SIGUSR1);
	raise(SIGUSR2);
	check(got1 == 1 && got2 == 1);
	check(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
	kill(getpid(), SIGUSR1);
	check(got1 == 2 && signal(SIGUSR2, SIG_IGN) == two);
	raise(SIGUSR2);
	check(got2 == 1 && signal(SIGUSR2, two) == SIG_IGN);
	leak(1, 10);
	check(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == one && (old.sa_flags & SA_RESTART));
	own.sa_handler = SIG_DFL;
	check(sigaction(SIGUSR1, &own, NULL) == 0 && sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_handler == SIG_DFL);
	leak(1, 10);
	return 0;
}
