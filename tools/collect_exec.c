// SPDX-License-Identifier: MIT

/*
 * Programs that traced processes start. One that can be traced says hello. Any other falls silent: the guest notes each
 * exec beforehand, and reports name what never came up.
 *
 * A process that executes a program itself is watched: whether it did is seen by the segment being mapped no more. Of a
 * vfork child and of what posix_spawn() starts there is only the note in the parent's segment, and perhaps a hello.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collect.h"
#include "command.h"
#include "memory.h"
#include "procfs.h"
#include "target.h"

#define MAX_UNTRACED 100000
#define NOTE_SLACK_NS 20000000u /* notes are dated by the clock's ticks */
#define YOUNG_NS 200000000u     /* what has just been started may still say hello */
#define LOOKS 3
#define UNKNOWN_REASON "nothing heard from the library"

/** A program that a vfork or spawn child was about to execute, and that should say hello. */
struct start {
	struct start *next;
	pid_t pid;
	uint64_t ns;
	char path[];
};

static void add_untraced(const struct run *run, struct process *process, pid_t pid, const char *reason, const char *path)
{
	struct host_facts *facts = &process->facts;
	if (!follow_misses(run, process, pid, path))
		return;
	char *text = memory_format("%s: %s", reason, path);
	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?'; /* a line stays one */
	}
	if (facts->untraced_count >= MAX_UNTRACED) {
		free(text);
		return;
	}
	facts->untraced = memory_resize(facts->untraced, facts->untraced_count + 1, sizeof(*facts->untraced));
	facts->untraced[facts->untraced_count].pid = pid;
	facts->untraced[facts->untraced_count++].reason = text;
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

/** Check a program as a process names it: a bare name was most likely looked up in PATH. @return as target_check() */
static int check_program(const struct run *run, const struct process *process, const char *path, struct target *target)
{
	char file[4200];
	int exit_code = strchr(path, '/') ? EXIT_NOT_FOUND : target_find(target, path, run->library);
	if (exit_code != EXIT_NOT_FOUND)
		return exit_code;
	resolve(run, process, path, file, sizeof(file));
	return target_check(target, file, run->library);
}

/** Can this program be traced? @return EXIT_HEAPTRACE if not, with the reason; else as target_check() */
static int judge_program(const struct run *run, const struct process *process, const char *path, const char **reason)
{
	static struct target target;
	static char last_path[4200];
	static pid_t last_pid;
	static int last_code;
	if (process->pid != last_pid || strcmp(path, last_path) != 0) {
		last_code = check_program(run, process, path, &target);
		last_pid = process->pid;
		snprintf(last_path, sizeof(last_path), "%s", path);
	}
	*reason = last_code == EXIT_HEAPTRACE ? target.reason : NULL;
	return last_code;
}

/** Why a program that a process executed cannot be traced; NULL if it can, or if it cannot have been executed. */
static const char *untraceable(const struct run *run, const struct process *process, const char *path)
{
	const char *reason;
	judge_program(run, process, path, &reason);
	return reason;
}

void exec_greeted(struct run *run, pid_t pid)
{
	struct hello *hello = &run->hellos[run->hello_count++ % HELLOS];
	hello->pid = pid;
	hello->ns = collect_run_ns(run);
}

/** Has the process said hello since? Yes also if that is no longer known. */
static bool has_greeted(const struct run *run, pid_t pid, uint64_t since)
{
	size_t count = run->hello_count < HELLOS ? run->hello_count : HELLOS;
	if (run->hello_count > HELLOS && run->hellos[run->hello_count % HELLOS].ns + NOTE_SLACK_NS >= since)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (run->hellos[i].pid == pid && run->hellos[i].ns + NOTE_SLACK_NS >= since)
			return true;
	}
	return false;
}

static bool is_gone(pid_t pid)
{
	struct proc_stat stat;
	return procfs_stat(pid, &stat) || stat.state == 'Z' || stat.state == 'X';
}

/** Why a process cannot have said hello, NULL if it may still do so, or if that is not known any more. */
static const char *why_silent(const struct run *run, pid_t pid)
{
	long user = procfs_status_number(pid, "Uid");
	if (user < 0 && pid == run->last_ended)
		user = (long)run->last_user; /* the launcher saw it before it was gone */
	if (user >= 0 && (uid_t)user != geteuid())
		return "it runs as another user";
	if (!is_gone(pid) && procfs_environment_has(pid, run->rundir.path) == 0) /* a zombie has none */
		return "LD_PRELOAD is not in its environment";
	return NULL;
}

/** The same, surely: for a moment of exec the environment reads empty. */
static const char *why_silent_surely(const struct run *run, pid_t pid)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	const char *reason = why_silent(run, pid);
	for (int looks = 1; reason && looks < LOOKS; looks++) {
		nanosleep(&moment, NULL);
		reason = why_silent(run, pid);
	}
	return reason;
}

/** Is the matter of this start settled? Then what has to be said about it is said. */
static bool judge_start(struct run *run, struct process *process, const struct start *start, bool finally)
{
	const char *reason = NULL;
	bool gone = is_gone(start->pid); /* first: a hello is answered before its process goes on */
	if (has_greeted(run, start->pid, start->ns))
		return true;
	if (!gone && (finally || collect_run_ns(run) > start->ns + YOUNG_NS))
		reason = why_silent_surely(run, start->pid);
	if (gone || reason)
		add_untraced(run, process, start->pid, reason ? reason : UNKNOWN_REASON, start->path);
	return gone || reason || finally;
}

void process_judge_starts(struct run *run, struct process *process, bool finally)
{
	for (struct start **at = &process->starts; *at;) {
		struct start *start = *at;
		if (judge_start(run, process, start, finally)) {
			*at = start->next;
			free(start);
		} else {
			at = &start->next;
		}
	}
}

/** It should say hello. In another pid namespace its pid is not ours; a spawned one's may be unknown (0). */
static void expect_hello(struct process *process, const struct ht_exec_note *note, const char *path)
{
	size_t size = strlen(path) + 1;
	if (note->pid <= 1 || process->in_namespace)
		return;
	struct start *start = memory_zeroed(1, sizeof(*start) + size);
	start->pid = (pid_t)note->pid;
	start->ns = note->ns;
	memcpy(start->path, path, size);
	start->next = process->starts;
	process->starts = start;
}

static void take_note(struct run *run, struct process *process, const struct ht_exec_note *note, const char *path)
{
	const char *reason;
	if (process->record && note->pid == process->record->pid) {
		free(process->last_exec);
		process->last_exec = memory_copy_string(path);
		process->check_exec = true;
		process->silent_checks = 0;
		return;
	}
	int exit_code = judge_program(run, process, path, &reason);
	if (reason)
		add_untraced(run, process, (pid_t)note->pid, reason, path);
	else if (exit_code == 0)
		expect_hello(process, note, path);
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
	if (!reason)
		reason = why_silent(run, process->pid);
	add_untraced(run, process, process->pid, reason ? reason : UNKNOWN_REASON, process->last_exec);
	process->check_exec = false;
}

/**
 * The new program may be traced and on its way to its hello. And for a moment of exec the environment reads empty: only
 * what was seen several times counts.
 */
static bool is_silent(const struct run *run, struct process *process)
{
	if (procfs_maps_memfd(process->pid, process->image->inode) != 0 || is_gone(process->pid))
		return false;
	if (!untraceable(run, process, process->last_exec) && !why_silent(run, process->pid))
		return false;
	return ++process->silent_checks >= LOOKS;
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

bool process_ended_by_exec(struct run *run, struct process *process, const char *how)
{
	uint32_t flags = process->record ? process->record->flags : 0;
	if (!process->check_exec || !process->last_exec || flags & (HT_PROCESS_FINISHED | HT_PROCESS_EXIT_NOTED))
		return false;
	if (!untraceable(run, process, process->last_exec) && strncmp(how, "exit:", 5) != 0)
		return false;
	ended_by_untraced_exec(run, process);
	return true;
}
