// SPDX-License-Identifier: MIT

/*
 * Signals, limits and descriptors that come from the launcher's parent.
 */

#include "inherited.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#define MANY_DESCRIPTORS 65536u

static const int resources[INHERITED_LIMITS] = {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_CPU};

static void lift(int resource, const struct rlimit *old)
{
	rlim_t wanted = resource == RLIMIT_NOFILE ? MANY_DESCRIPTORS : RLIM_INFINITY;
	struct rlimit highest = {wanted, wanted};
	if (old->rlim_max != RLIM_INFINITY && old->rlim_max < wanted &&
	    setrlimit((__rlimit_resource_t)resource, &highest) == 0)
		return;
	highest = (struct rlimit){old->rlim_max, old->rlim_max};
	if (old->rlim_cur != old->rlim_max)
		setrlimit((__rlimit_resource_t)resource, &highest);
}

void inherited_take(struct inherited *inherited)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &inherited->mask);
	sigaction(SIGCHLD, &standard, &inherited->child);
	for (size_t i = 0; i < INHERITED_LIMITS; i++) {
		getrlimit((__rlimit_resource_t)resources[i], &inherited->limits[i]);
		lift(resources[i], &inherited->limits[i]);
	}
}

void inherited_give_back(const struct inherited *inherited)
{
	for (size_t i = 0; i < INHERITED_LIMITS; i++)
		setrlimit((__rlimit_resource_t)resources[i], &inherited->limits[i]);
	sigaction(SIGCHLD, &inherited->child, NULL);
	sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
}

/** close_range(2) is younger than the oldest C library and kernel that we run on. */
static void close_from_to(unsigned first, unsigned last)
{
	struct rlimit limit;
	if (syscall(SYS_close_range, first, last, 0) == 0 || getrlimit(RLIMIT_NOFILE, &limit))
		return;
	for (unsigned fd = first; fd <= last && fd < limit.rlim_cur; fd++)
		close((int)fd);
}

void inherited_close(const int *keep, size_t count)
{
	for (int from = 3;;) {
		int next = -1;
		for (size_t i = 0; i < count; i++) {
			if (keep[i] >= from && (next < 0 || keep[i] < next))
				next = keep[i];
		}
		if (next < 0) {
			close_from_to((unsigned)from, ~0u);
			return;
		}
		if (next > from)
			close_from_to((unsigned)from, (unsigned)next - 1);
		from = next + 1;
	}
}

void inherited_silence(int first, int last)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = first; fd <= last && null >= 0; fd++)
		dup2(null, fd);
	if (null > last)
		close(null);
}
