// SPDX-License-Identifier: MIT

/*
 * How processes end. Of its own child the launcher knows; of all others the kernel tells: a zombie's /proc/PID/stat, or,
 * after it was reaped, PIDFD_GET_INFO (Linux 6.15). Else what the guest noted in exit() or _exit() is what there is.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect.h"
#include "procfs.h"

/** PIDFD_GET_INFO's first version (linux/pidfd.h is too old where we are built). */
struct pidfd_facts {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid, ids[8];
	int32_t exit_code;
};
#define PIDFD_GET_FACTS _IOWR(0xff, 11, struct pidfd_facts)
#define PIDFD_FACTS_EXIT (1u << 3)

const char *signal_name(int number, char *text, size_t size)
{
	static const char *const names[] = {
		[SIGHUP] = "HUP", [SIGINT] = "INT", [SIGQUIT] = "QUIT", [SIGILL] = "ILL", [SIGTRAP] = "TRAP",
		[SIGABRT] = "ABRT", [SIGBUS] = "BUS", [SIGFPE] = "FPE", [SIGKILL] = "KILL", [SIGUSR1] = "USR1",
		[SIGSEGV] = "SEGV", [SIGUSR2] = "USR2", [SIGPIPE] = "PIPE", [SIGALRM] = "ALRM", [SIGTERM] = "TERM",
		[SIGSTKFLT] = "STKFLT", [SIGCHLD] = "CHLD", [SIGCONT] = "CONT", [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
		[SIGTTIN] = "TTIN", [SIGTTOU] = "TTOU", [SIGURG] = "URG", [SIGXCPU] = "XCPU", [SIGXFSZ] = "XFSZ",
		[SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH", [SIGIO] = "IO", [SIGPWR] = "PWR",
		[SIGSYS] = "SYS",
	};
	if (number > 0 && (size_t)number < sizeof(names) / sizeof(*names) && names[number])
		snprintf(text, size, "SIG%s", names[number]);
	else if (number >= SIGRTMIN)
		snprintf(text, size, "SIGRTMIN+%d", number - SIGRTMIN);
	else
		snprintf(text, size, "%d", number);
	return text;
}

void how_of_status(int status, char *how, size_t size)
{
	char name[24];
	if (WIFSIGNALED(status))
		snprintf(how, size, "signal:%s", signal_name(WTERMSIG(status), name, sizeof(name)));
	else
		snprintf(how, size, "exit:%d", WEXITSTATUS(status));
}

/** May we see its exit code? Else /proc shows 0. */
static bool is_visible(pid_t pid)
{
	char path[32];
	struct stat status;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return geteuid() == 0 || (stat(path, &status) == 0 && status.st_uid == geteuid());
}

/** @return 0 with the wait status, -1 if the kernel does not tell */
static int kernel_status(const struct process *process, int *status)
{
	struct proc_stat stat;
	struct pidfd_facts facts = {.mask = PIDFD_FACTS_EXIT};
	if (process->pid && procfs_stat(process->pid, &stat) == 0 && stat.state == 'Z' &&
	    (stat.exit_code || is_visible(process->pid))) {
		*status = stat.exit_code;
		return 0;
	}
	if (process->watch.fd >= 0 && ioctl(process->watch.fd, PIDFD_GET_FACTS, &facts) == 0 &&
	    (facts.mask & PIDFD_FACTS_EXIT)) {
		*status = facts.exit_code;
		return 0;
	}
	return -1;
}

static int search_reaped(const struct ht_process *parent, uint32_t pid, int *status)
{
	uint32_t count = __atomic_load_n(&parent->reaped_count, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < HT_REAPED && i < count; i++) {
		uint64_t reaped = __atomic_load_n(&parent->reaped[(count - 1 - i) % HT_REAPED], __ATOMIC_ACQUIRE);
		if ((uint32_t)reaped == pid) {
			*status = (int)(reaped >> 32);
			return 0;
		}
	}
	return -1;
}

/**
 * What the parent noted when it waited for the child: the kernel tells nothing once that has happened, but the note
 * follows a moment after.
 * @return 0 with the wait status, -1 if there is no note
 */
static int parents_note(const struct process *process, int *status)
{
	const struct process *parent = process->record ? process_numbered(process->image, process->record->parent) : NULL;
	struct timespec moment = {.tv_nsec = 200000};
	if (!parent || !parent->record || parent == process)
		return -1;
	for (int tries = 0; tries < 10; tries++) {
		if (search_reaped(parent->record, process->record->pid, status) == 0)
			return 0;
		if (parent->ended || process->record->flags & HT_PROCESS_EXIT_NOTED)
			return -1;
		nanosleep(&moment, NULL);
	}
	return -1;
}

static void find_out(const struct run *run, const struct process *process, char *how, size_t size)
{
	int status;
	uint32_t flags = process->record ? process->record->flags : 0;
	if (process->pid && process->pid == run->last_ended)
		how_of_status((int)run->last_status, how, size);
	else if (kernel_status(process, &status) == 0)
		how_of_status(status, how, size);
	else if (parents_note(process, &status) == 0)
		how_of_status(status, how, size);
	else if (flags & HT_PROCESS_EXIT_NOTED)
		snprintf(how, size, "exit:%d", process->record->exit_status & 0xff);
	else
		*how = '\0';
}

void process_end(struct run *run, struct process *process, const char *how)
{
	char found[sizeof(process->facts.how_it_ended)];
	if (process->ended)
		return;
	process->ended = true; /* first: the scan may find reasons to come here again */
	image_scan(run, process->image, false);
	process_read_notes(run, process);
	clock_poll_requests(run, process);
	if (how)
		snprintf(found, sizeof(found), "%s", how);
	else
		find_out(run, process, found, sizeof(found));
	if (!how && process_ended_by_exec(run, process, found))
		strcpy(found, "exec");
	process_judge_starts(run, process, true);
	strcpy(process->facts.how_it_ended, found);
	process->facts.end_ns = collect_run_ns(run);
	follow_hand_over(run, process);
	collect_unwatch(run, &process->watch);
	client_tell(run, process);
	jobs_final(run, process);
}

void process_pidfd_ready(struct run *run, struct watch *watch)
{
	struct process *process = (struct process *)watch;
	bool wait_for_launcher = process->pid == run->program && run->launcher_watch.fd >= 0 && run->last_ended != run->program;
	if (!wait_for_launcher) {
		process_end(run, process, NULL);
		return;
	}
	process->reaped_by_launcher = true;
	collect_unwatch(run, watch);
}
