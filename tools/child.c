// SPDX-License-Identifier: MIT

/* Talking to a helper program: see child.h. */

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

#define SMALLEST_SPACE ((uint64_t)1 << 30)
#define LARGEST_SPACE ((uint64_t)8 << 30) /* three times what 150 MB of compressed debug info need */
#define EXEC_FAILED 127
#define PATIENCE 200 /* looks at a helper that has closed its output, about 2 seconds, before it is stopped */

/** One helper at work. */
struct child {
	const struct child_job *job;
	pid_t pid;
	int in, out; /* our ends; in is -1 once all is sent */
	size_t sent;
	bool stopped, hung;
	uint64_t started, heard, ticked; /* ms */
};

const char *child_end_text(enum child_end end)
{
	static const char *const texts[] = { "ended", "was not found", "failed", "crashed", "hung and was stopped",
					     "answered nonsense" };

	return texts[end];
}

/** Memory that the system can give without swapping, from /proc/meminfo; a guess if it does not say. */
static uint64_t available_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kilobytes = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
			break;
	}
	if (file)
		fclose(file);
	return kilobytes ? (uint64_t)kilobytes * 1024 : 4 * SMALLEST_SPACE;
}

/** Address space for a helper: a share of what there is, so that one gone wild fails and not the machine. */
static uint64_t helper_space(void)
{
	const char *text = getenv("HEAPTRACE_ADDR2LINE_MEGABYTES");
	uint64_t space = available_memory() / 2;

	if (text && atoi(text) > 0)
		return (uint64_t)atoi(text) << 20;
	if (space < SMALLEST_SPACE)
		return SMALLEST_SPACE;
	return space < LARGEST_SPACE ? space : LARGEST_SPACE;
}

static void lower_limit(int resource, uint64_t value)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) == 0 && (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > value)) {
		limit.rlim_cur = value;
		setrlimit(resource, &limit);
	}
}

/** In the new process: what the helper is to see of us is its argv and three descriptors. */
static void become(const struct child_job *job, int in, int out, uint64_t space, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXEC_FAILED);
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	unsetenv("LD_PRELOAD");
	unsetenv("LD_AUDIT");
	setenv("LC_ALL", "C", 1);
	/* Where a standard stream was closed, ours may have its number: dup2() onto itself would leave it close-on-exec. */
	in = fcntl(in, F_DUPFD, 3);
	out = fcntl(out, F_DUPFD, 3);
	null = fcntl(null, F_DUPFD, 3);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
		_exit(EXEC_FAILED);
	close_range(3, ~0u, 0);
	if (job->directory && chdir(job->directory))
		_exit(1);
	lower_limit(RLIMIT_CORE, 0);
	lower_limit(RLIMIT_AS, space); /* last: we may be larger than that ourselves, and setenv() allocates */
	execvp(job->argv[0], job->argv);
	_exit(EXEC_FAILED);
}

/** The input is a socket, because writing into a pipe that the helper has closed would be a SIGPIPE for us. */
static int start(struct child *child)
{
	int in[2], out[2];
	uint64_t space = helper_space();
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in))
		return -1;
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return -1;
	}
	child->pid = fork();
	if (child->pid == 0)
		become(child->job, in[0], out[1], space, parent);
	close(in[0]);
	close(out[1]);
	child->in = in[1];
	child->out = out[0];
	child->started = child->heard = child->ticked = monotonic_ms();
	return child->pid < 0 ? -1 : 0;
}

static void close_input(struct child *child)
{
	if (child->in >= 0)
		close(child->in);
	child->in = -1;
}

static void feed(struct child *child)
{
	const struct child_job *job = child->job;
	ssize_t n = send(child->in, job->input + child->sent, job->input_size - child->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0)
		child->sent += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || child->sent == job->input_size)
		close_input(child);
}

/** @return false at the end of the output, or when there was enough of it */
static bool listen_to(struct child *child)
{
	char bytes[1 << 14];
	ssize_t n = read(child->out, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	child->heard = monotonic_ms();
	child->stopped = !child->job->take(child->job->context, bytes, (size_t)n);
	return !child->stopped;
}

/** Look at the clocks. @return false if a deadline has passed */
static bool in_time(struct child *child)
{
	uint64_t now = monotonic_ms();

	if (child->job->tick && now - child->ticked >= 1000) {
		child->ticked = now;
		child->job->tick(child->job->context);
	}
	child->hung = now - child->heard > child->job->idle_seconds * 1000ull ||
		      now - child->started > child->job->total_seconds * 1000ull;
	return !child->hung;
}

static void talk(struct child *child)
{
	bool more = true;

	if (!child->job->input_size)
		close_input(child);
	while (more && in_time(child)) {
		struct pollfd polls[] = { { .fd = child->out, .events = POLLIN }, { .fd = child->in, .events = POLLOUT } };

		if (poll(polls, 2, 200) < 0 && errno != EINTR)
			break;
		if (polls[1].revents)
			feed(child);
		if (polls[0].revents)
			more = listen_to(child);
	}
}

/** Stop the helper and what it may have started. */
static void stop(const struct child *child)
{
	if (kill(-child->pid, SIGKILL))
		kill(child->pid, SIGKILL);
}

/** Wait for the end, which is near: the output has ended. @return false if there is no status to be had */
static bool reap(struct child *child, int *status)
{
	for (unsigned i = 0;; i++) {
		pid_t pid = waitpid(child->pid, status, WNOHANG);

		if (pid == child->pid)
			return true;
		if (pid < 0 && errno != EINTR)
			return false; /* whoever started us ignores SIGCHLD */
		if (i == PATIENCE && !child->stopped) {
			child->hung = true;
			stop(child);
		}
		poll(NULL, 0, i < 100 ? 1 : 20);
	}
}

static enum child_end finish(struct child *child)
{
	int status = 0;
	bool known;

	close_input(child);
	close(child->out);
	if (child->hung || child->stopped)
		stop(child);
	known = reap(child, &status);
	if (child->hung)
		return CHILD_HUNG;
	if (child->stopped)
		return CHILD_STOPPED;
	if (!known || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return CHILD_DONE;
	if (WIFSIGNALED(status))
		return CHILD_CRASHED;
	return WEXITSTATUS(status) == EXEC_FAILED ? CHILD_NOT_FOUND : CHILD_FAILED;
}

enum child_end child_run(const struct child_job *job)
{
	struct child child = { .job = job, .in = -1, .out = -1 };

	if (start(&child)) {
		close_input(&child);
		if (child.out >= 0)
			close(child.out);
		return CHILD_FAILED;
	}
	talk(&child);
	return finish(&child);
}
