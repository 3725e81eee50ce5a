// SPDX-License-Identifier: MIT

/*
 * How processes end. Of its own child the launcher knows; of all others the kernel tells: a zombie's /proc/PID/stat, or,
 * after it was reaped, PIDFD_GET_INFO (Linux 6.15). Else what the guest noted in exit() or _exit() is what there is.
 *
 * A process that executes a traced program says hello again under the same pid. One that executes anything else falls
 * silent: the guest notes each exec beforehand, and whether it came about is seen by the segment being mapped no more.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect.h"
#include "memory.h"
#include "procfs.h"
#include "target.h"

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

static void add_untraced(struct process *process, pid_t pid, const char *reason)
{
	struct host_facts *facts = &process->facts;
	facts->untraced = memory_resize(facts->untraced, facts->untraced_count + 1, sizeof(*facts->untraced));
	facts->untraced[facts->untraced_count].pid = pid;
	facts->untraced[facts->untraced_count++].reason = memory_copy_string(reason);
}

/** The file that a process means by a path: in its root and from its directory, while it lives. */
static void resolve(const struct run *run, const struct process *process, const char *path, char *file, size_t size)
{
	char root[64];
	snprintf(root, sizeof(root), "/proc/%d/%s", (int)process->pid, path[0] == '/' ? "root" : "cwd");
	if (process->pid && !process->ended && access(root, X_OK) == 0)
		snprintf(file, size, "%s/%s", root, path);
	else if (path[0] == '/')
		snprintf(file, size, "%s", path);
	else
		snprintf(file, size, "%s/%s", run->directory, path);
}

/** Why a program that a process executed cannot be traced; NULL if it can, or if it cannot have been executed. */
static const char *untraceable(const struct run *run, const struct process *process, const char *path)
{
	static struct target target;
	static char last_file[4200];
	static const char *last_reason;
	char file[4200];
	resolve(run, process, path, file, sizeof(file));
	if (strcmp(file, last_file) == 0)
		return last_reason;
	int exit_code = target_check(&target, file, run->library);
	strcpy(last_file, file);
	last_reason = exit_code == 125 ? target.reason : NULL;
	return last_reason;
}

static void take_note(struct run *run, struct process *process, const struct ht_exec_note *note, const char *path)
{
	bool own = process->record && note->pid == process->record->pid;
	if (own) {
		free(process->last_exec);
		process->last_exec = memory_copy_string(path);
		process->check_exec = true;
		process->silent_checks = 0;
		return;
	}
	const char *reason = untraceable(run, process, path);
	if (reason)
		add_untraced(process, (pid_t)note->pid, reason);
}

/** Go through one chunk of notes; `*number` counts them over all chunks. */
static void read_span(struct run *run, struct process *process, const struct span *span, uint64_t *number)
{
	union {
		struct ht_exec_note note;
		char bytes[sizeof(struct ht_exec_note) + 4096];
	} record;
	uint64_t at = span->offset + sizeof(struct ht_chunk), end = span->offset + span->size;
	while (at + sizeof(record.note) < end) {
		size_t room = end - at < sizeof(record) ? (size_t)(end - at) : sizeof(record);
		ssize_t got = pread(process->image->fd, &record, room, (off_t)at);
		uint32_t size = got < (ssize_t)sizeof(record.note) ? 0 : record.note.size;
		if (size <= sizeof(record.note) || size % 8 || size > end - at)
			return;
		record.bytes[size <= (size_t)got ? size - 1 : (size_t)got - 1] = '\0';
		if ((*number)++ >= process->notes_read) {
			process->notes_read = *number;
			take_note(run, process, &record.note, record.note.path);
		}
		at += size;
	}
}

void process_read_notes(struct run *run, struct process *process)
{
	uint64_t number = 0;
	for (size_t i = 0; i < process->span_count; i++) {
		if (process->spans[i].kind == HT_CHUNK_EXECS)
			read_span(run, process, &process->spans[i], &number);
	}
}

static void ended_by_untraced_exec(struct run *run, struct process *process)
{
	const char *reason = untraceable(run, process, process->last_exec);
	add_untraced(process, process->pid, reason ? reason : "library not loaded");
	process->check_exec = false;
}

/**
 * The new program may be traced and on its way to its hello: then our directory is in its environment. And for a moment
 * of exec the environment reads empty: only what was seen several times counts.
 */
static bool is_silent(const struct run *run, struct process *process)
{
	struct proc_stat stat;
	if (procfs_maps_memfd(process->pid, process->image->inode) != 0 || procfs_stat(process->pid, &stat) ||
	    stat.state == 'Z' || stat.state == 'X')
		return false;
	if (!untraceable(run, process, process->last_exec) &&
	    procfs_environment_has(process->pid, run->rundir.path) != 0)
		return false;
	return ++process->silent_checks >= 3;
}

/** It runs another file than before, and did not say so: the exec was not made through libc. */
static void notice_exec(struct process *process)
{
	char path[4096];
	struct executable now;
	procfs_executable(process->pid, &now);
	if (!now.inode || !process->executable.inode || process->check_exec ||
	    (now.inode == process->executable.inode && now.device == process->executable.device) ||
	    procfs_executable_path(process->pid, path, sizeof(path)))
		return;
	free(process->last_exec);
	process->last_exec = memory_copy_string(path);
	process->check_exec = true;
	process->silent_checks = 0;
}

void process_check_exec(struct run *run, struct process *process)
{
	if (!process->ended && process->pid)
		notice_exec(process);
	if (!process->check_exec || process->ended || !process->pid || !is_silent(run, process))
		return;
	ended_by_untraced_exec(run, process);
	process_end(run, process, "exec");
}

/**
 * A process has ended whose last word was that it would execute something. Either that failed and it went on to its
 * end, or what ended was another program, which did not say hello.
 */
static bool was_untraced_exec(const struct run *run, const struct process *process, const char *how)
{
	if (!process->check_exec || !process->last_exec)
		return false;
	uint32_t flags = process->record ? process->record->flags : 0;
	bool noted = flags & (HT_PROCESS_FINISHED | HT_PROCESS_EXIT_NOTED);
	return !noted && (untraceable(run, process, process->last_exec) || strncmp(how, "exit:", 5) == 0);
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
	if (!how && was_untraced_exec(run, process, found)) {
		ended_by_untraced_exec(run, process);
		strcpy(found, "exec");
	}
	strcpy(process->facts.how_it_ended, found);
	process->facts.end_ns = collect_run_ns(run);
	collect_unwatch(run, &process->watch);
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
