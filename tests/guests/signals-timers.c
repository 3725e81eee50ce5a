// SPDX-License-Identifier: MIT
// A timer every millisecond whose handler allocates. With SA_RESTART no read() fails; without it nanosleep() and a read()
// fail with EINTR each time, and only then: after every failure the handler has run.
// Expect: counter
// Own: kept 350 6500 350 6500
// Counter: no the number of ticks depends on timing
#include "guest.h"
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t ticks;
static void tick(int signal) { ticks++; free(malloc(77)); }

/* The timer's blocks must not come through these two: it waits. */
static void kept(size_t size) { check(malloc(size)); }

static void keep(size_t size)
{
	sigset_t alarm, old;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, &old);
	kept(size);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void every(int microseconds, int flags)
{
	struct sigaction action = {.sa_handler = tick, .sa_flags = flags};
	struct itimerval timer = {{0, microseconds}, {0, microseconds}};

	check(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* A child writes a byte each time that some ticks have passed. */
static void restarting(void)
{
	int fds[2];
	char c;

	check(pipe(fds) == 0);
	for (int i = 0; i < 300; i++) {
		sig_atomic_t begin = ticks;
		struct timespec some = {0, 1000000};

		if (i % 10 == 0 && vfork() == 0) {
			for (int n = 0; n < 3; n++)
				nanosleep(&some, NULL); /* timers are not inherited */
			_exit(write(fds[1], "0123456789", 10) != 10);
		}
		check(read(fds[0], &c, 1) == 1);
		check(ticks >= begin);
		keep(20);
	}
	while (wait(NULL) > 0)
		;
}

static void interrupted(void)
{
	struct timespec ever = {100, 0};
	int fds[2];
	char c;

	check(pipe(fds) == 0);
	for (int i = 0; i < 50; i++) {
		sig_atomic_t begin = ticks;

		errno = 0;
		check(i % 2 ? nanosleep(&ever, NULL) == -1 : read(fds[0], &c, 1) == -1);
		check(errno == EINTR && ticks > begin);
		keep(10);
	}
}

int main(void)
{
	every(1000, SA_RESTART);
	restarting();
	every(1000, 0);
	interrupted();
	signal(SIGALRM, SIG_IGN);
	return 0;
}
