// SPDX-License-Identifier: MIT

/*
 * Where to ask: a traced process has the run's directory in LD_PRELOAD, a launcher's children have. Else all run
 * directories where they usually are: each collector knows its processes and its launcher. A program that was started
 * without heaptrace, with the library preloaded, has mapped its own segment's file.
 */

#include "inquiry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "history.h"
#include "host_facts.h"
#include "memory.h"
#include "orphan.h"
#include "procfs.h"
#include "rundir.h"
#include "snapshot.h"

#define ANSWER_SECONDS 10

/** A run's directory, by whatever path it was found. */
struct asked {
	dev_t device;
	ino_t inode;
};

static int connect_to(const char *directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_SECONDS};
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory) >= (int)sizeof(address.sun_path))
		return errno = ENAMETOOLONG, -1;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/** Understand a message. @return 0, or -1: it is no answer */
static int read_answer(struct dump_answer *message, ssize_t got, int segment, struct answer *answer)
{
	if (got <= (ssize_t)offsetof(struct dump_answer, facts) || message->magic != DUMP_MAGIC || message->status || segment < 0) {
		if (segment >= 0)
			close(segment);
		return -1;
	}
	message->facts[sizeof(message->facts) - 1] = '\0';
	*answer = (struct answer){.segment = segment, .number = message->number};
	host_facts_read(&answer->facts, message->facts, strlen(message->facts));
	return 0;
}

static struct answer *add_answer(struct inquiry *inquiry, struct answer answer)
{
	inquiry->answers = memory_grow(inquiry->answers, inquiry->count, &inquiry->room, sizeof(*inquiry->answers));
	inquiry->answers[inquiry->count] = answer;
	return &inquiry->answers[inquiry->count++];
}

static void keep_standalone(struct inquiry *inquiry, uint32_t number, int segment)
{
	struct answer *answer = add_answer(inquiry, (struct answer){.segment = segment, .number = number});
	answer->facts.pid = inquiry->pid;
	strcpy(answer->facts.how_it_ended, "running");
	procfs_statm(inquiry->pid, &answer->facts.statm);
}

/** The history that follows an answer. @return it, or NULL */
static struct history *take_history(int fd)
{
	struct dump_history message = {0};
	int file;
	ssize_t got = protocol_receive(fd, &message, sizeof(message), &file);
	struct history *history = got == sizeof(message) && message.magic == DUMP_MAGIC && file >= 0 ? history_from_file(file) : NULL;
	if (file >= 0)
		close(file);
	return history;
}

/** Take the answers that are there now. */
static void take_answers(struct inquiry *inquiry, int fd)
{
	static struct dump_answer message;
	struct answer answer;
	int segment;
	do {
		memset(&message, 0, sizeof(message));
		ssize_t got = protocol_receive(fd, &message, sizeof(message), &segment);
		if (read_answer(&message, got, segment, &answer))
			break;
		if (message.history)
			answer.facts.history = take_history(fd);
		add_answer(inquiry, answer);
	} while (message.remaining);
}

/** Has this run's collector been asked? From now on, yes. */
static bool was_asked(struct inquiry *inquiry, const char *directory)
{
	struct stat status;
	if (stat(directory, &status))
		return false;
	for (size_t i = 0; i < inquiry->asked_count; i++) {
		if (inquiry->asked[i].device == status.st_dev && inquiry->asked[i].inode == status.st_ino)
			return true;
	}
	inquiry->asked = memory_grow(inquiry->asked, inquiry->asked_count, &inquiry->asked_room, sizeof(*inquiry->asked));
	inquiry->asked[inquiry->asked_count++] = (struct asked){status.st_dev, status.st_ino};
	return false;
}

/** Ask one collector. @return true if it is the one */
static bool ask(struct inquiry *inquiry, const char *directory)
{
	if (was_asked(inquiry, directory))
		return false;
	struct dump_request request = {.magic = DUMP_MAGIC, .pid = inquiry->pid, .flags = inquiry->flags};
	int fd = connect_to(directory);
	if (fd < 0) {
		if (errno == EACCES || errno == EPERM)
			inquiry->refused = errno;
		return false;
	}
	if (protocol_send(fd, &request, sizeof(request), -1) == 0)
		take_answers(inquiry, fd);
	if (inquiry->count && inquiry->flags & DUMP_FOLLOW)
		inquiry->follow = fd;
	else
		close(fd);
	return inquiry->count > 0;
}

int inquiry_follow(const char *directory, pid_t launcher)
{
	struct dump_request request = {.magic = DUMP_MAGIC, .pid = launcher,
				       .flags = DUMP_QUIET | DUMP_RUN | DUMP_FOLLOW | DUMP_AHEAD};
	int fd = connect_to(directory);
	if (fd < 0 || protocol_send(fd, &request, sizeof(request), -1) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

int inquiry_next(int follow, struct answer *answer, struct inquiry *all)
{
	static struct dump_answer message;
	int segment;
	memset(&message, 0, sizeof(message));
	ssize_t got = protocol_receive(follow, &message, sizeof(message), &segment);
	if (got > 0 && segment < 0 && message.magic == DUMP_MAGIC && message.status == EAGAIN) {
		if (message.remaining)
			take_answers(all, follow);
		return 1;
	}
	return read_answer(&message, got, segment, answer);
}

/**
 * Ask all collectors whose directories lie in one place. That others' may not be asked says nothing about this
 * process.
 */
static bool ask_place(struct inquiry *inquiry, const char *place)
{
	int refused = inquiry->refused;
	char path[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *directory = *place ? opendir(place) : NULL;
	while (directory && !found && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, "heaptrace-", 10) == 0 &&
		    snprintf(path, sizeof(path), "%s/%s", place, entry->d_name) < (int)sizeof(path))
			found = ask(inquiry, path);
	}
	if (directory)
		closedir(directory);
	inquiry->refused = refused;
	return found;
}

static bool ask_all(struct inquiry *inquiry)
{
	char path[PATH_MAX];
	const char *place;
	if (procfs_run_directory(inquiry->pid, path, sizeof(path)) == 0) {
		if (ask(inquiry, path))
			return true;
	} else if (errno == EACCES || errno == EPERM) {
		inquiry->refused = errno;
	}
	for (unsigned n = 0; (place = rundir_place(n)); n++) {
		if (ask_place(inquiry, place))
			return true;
	}
	snprintf(path, sizeof(path), "/run/user/%d", (int)getuid());
	return ask_place(inquiry, path);
}

/** Take the process's figures from a segment, if they are in it. */
static void look_into(struct inquiry *inquiry, int fd, const char *path)
{
	struct error error;
	uint32_t numbers[256];
	struct snapshot *snapshot = snapshot_read(fd, path, &error);
	size_t count = snapshot ? snapshot_processes(snapshot, numbers, 256) : 0;
	for (size_t i = 0; i < count && i < 256; i++) {
		const struct ht_process *process = snapshot_process(snapshot, numbers[i]);
		if (process && (pid_t)process->pid == inquiry->inner)
			keep_standalone(inquiry, numbers[i], dup(fd));
	}
	if (snapshot)
		snapshot_close(snapshot);
}

/** The program may run without a collector: then it has mapped the file that is its segment. */
static int visit_mapping(const char *path, uint64_t inode, void *data)
{
	struct inquiry *inquiry = data;
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_ino == inode && S_ISREG(status.st_mode))
		look_into(inquiry, fd, path);
	if (fd >= 0)
		close(fd);
	return inquiry->count > 0;
}

/** Its collector may have been killed, and the launcher: nobody else holds the segment then. */
static bool find_orphaned(struct inquiry *inquiry)
{
	char path[PATH_MAX];
	int fd = orphan_open(inquiry->pid);
	if (fd < 0 && errno == ENOENT)
		return false;
	inquiry->orphaned = fd >= 0 || procfs_run_directory(inquiry->pid, path, sizeof(path)) == 0;
	if (fd < 0)
		return false;
	look_into(inquiry, fd, "the segment");
	close(fd);
	return inquiry->count > 0;
}

static bool find_standalone(struct inquiry *inquiry)
{
	unsigned levels;
	pid_t inner = procfs_inner_pid(inquiry->pid, &levels);
	inquiry->inner = inner ? inner : inquiry->pid;
	return find_orphaned(inquiry) || procfs_shared_files(inquiry->pid, visit_mapping, inquiry) > 0;
}

void inquiry_explain(const struct inquiry *inquiry, char *text, size_t size)
{
	errno = 0;
	if (kill(inquiry->pid, 0) && errno == ESRCH)
		snprintf(text, size, "there is no process %d; 'ps' lists those that run", (int)inquiry->pid);
	else if (inquiry->refused && geteuid() == 0)
		snprintf(text, size, "process %d may not be looked at: %s; ask from outside of this container or sandbox",
			 (int)inquiry->pid, strerror(inquiry->refused));
	else if (errno == EPERM || inquiry->refused)
		snprintf(text, size, "process %d belongs to another user; ask as that user or as root", (int)inquiry->pid);
	else if (inquiry->orphaned)
		snprintf(text, size, "process %d is traced, but the collector of its run has been killed or does not answer, and we may not read the "
			 "segment out of the process; ask as root", (int)inquiry->pid);
	else
		snprintf(text, size, "process %d is not traced; start the program with 'heaptrace PROGRAM'",
			 (int)inquiry->pid);
}

bool inquiry_ask(struct inquiry *inquiry)
{
	inquiry->follow = -1;
	bool found = ask_all(inquiry) || find_standalone(inquiry);
	free(inquiry->asked);
	inquiry->asked = NULL;
	inquiry->asked_count = inquiry->asked_room = 0;
	return found;
}

void inquiry_free(struct inquiry *inquiry)
{
	for (size_t i = 0; i < inquiry->count; i++) {
		close(inquiry->answers[i].segment);
		host_facts_free(&inquiry->answers[i].facts);
	}
	free(inquiry->answers);
	inquiry->answers = NULL;
	inquiry->count = inquiry->room = 0;
}

pid_t inquiry_read_pid(const char *text, char *error, size_t size)
{
	char *end;
	errno = 0;
	long pid = strtol(text, &end, 10);
	if (pid > 0 && pid <= INT_MAX && !*end && !errno)
		return (pid_t)pid;
	snprintf(error, size, "'%.100s' is no PID; give a process's number", text);
	return 0;
}
