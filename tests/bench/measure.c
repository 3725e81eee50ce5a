// SPDX-License-Identifier: MIT

/*
 * Run a command, and say what it cost, with everything that it started:
 *
 *	measure FILE COMMAND [ARGUMENTS...]
 *
 * wall_ns ends with the command; cpu_ns is the command's with the children that it waited for; all_cpu_ns has those that
 * left it, too, which we adopt and wait for. rss_kib is the largest process's, all_rss_kib likewise. Small, because a process starts with the
 * memory of the one that forked it, and that is what counts as its maximum.
 */

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static long long cpu_ns(const struct rusage *usage)
{
	return (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000000ll +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000ll;
}

int main(int argc, char **argv)
{
	long long start, wall = 0, cpu = 0, all = 0;
	long rss = 0, all_rss = 0;
	int result = 0, status;
	struct rusage usage;
	pid_t command, ended;
	FILE *file;

	if (argc < 3) {
		fputs("usage: measure FILE COMMAND [ARGUMENTS...]\n", stderr);
		return 2;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	start = now_ns();
	errno = posix_spawnp(&command, argv[2], NULL, NULL, argv + 2, environ);
	if (errno) {
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
		return 127;
	}
	while ((ended = wait4(-1, &status, 0, &usage)) > 0) {
		all += cpu_ns(&usage);
		all_rss = usage.ru_maxrss > all_rss ? usage.ru_maxrss : all_rss;
		if (ended == command) {
			wall = now_ns() - start;
			cpu = cpu_ns(&usage);
			rss = usage.ru_maxrss;
			result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
	file = fopen(argv[1], "w");
	if (!file) {
		perror("measure");
		return 2;
	}
	fprintf(file, "wall_ns=%lld cpu_ns=%lld all_cpu_ns=%lld rss_kib=%ld all_rss_kib=%ld status=%d\n", wall, cpu, all, rss, all_rss,
		result);
	fclose(file);
	return result;
}
