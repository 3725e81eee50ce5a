// SPDX-License-Identifier: MIT

/*
 * Readers of /proc. Small files are read into the stack; an environment, which may be megabytes, in pieces that overlap.
 */

#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "paths.h"

static int open_file(pid_t pid, const char *file)
{
	char path[64];
	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/** Read a small file whole, with a NUL behind it. @return its size, or -1 */
static ssize_t read_file(pid_t pid, const char *file, char *text, size_t size)
{
	int fd = open_file(pid, file);
	if (fd < 0)
		return -1;
	size_t filled = 0;
	ssize_t got;
	while (filled < size - 1 && (got = read(fd, text + filled, size - 1 - filled)) > 0)
		filled += (size_t)got;
	close(fd);
	text[filled] = '\0';
	return filled ? (ssize_t)filled : -1;
}

/** Ticks since boot (CLOCK_BOOTTIME) as CLOCK_MONOTONIC, which does not count while the machine sleeps. */
static uint64_t monotonic_of_ticks(uint64_t ticks)
{
	struct timespec boot, monotonic;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	int64_t slept = (boot.tv_sec - monotonic.tv_sec) * 1000000000ll + boot.tv_nsec - monotonic.tv_nsec;
	int64_t ns = (int64_t)(ticks * (1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK))) - slept;
	return ns > 0 ? (uint64_t)ns : 0;
}

int procfs_stat(pid_t pid, struct proc_stat *stat)
{
	char text[1024];
	if (read_file(pid, "stat", text, sizeof(text)) < 0)
		return -1;
	char *rest = strrchr(text, ')');
	if (!rest || !rest[1])
		return -1;
	*stat = (struct proc_stat){.state = rest[2]};
	char *word = strtok(rest + 1, " ");
	for (int field = 3; word; field++, word = strtok(NULL, " ")) {
		if (field == 4)
			stat->ppid = (pid_t)strtol(word, NULL, 10);
		else if (field == 14 || field == 15)
			stat->cpu_ticks += strtoull(word, NULL, 10);
		else if (field == 22)
			stat->start_ns = monotonic_of_ticks(strtoull(word, NULL, 10));
		else if (field == 52)
			stat->exit_code = (int)strtol(word, NULL, 10);
	}
	return 0;
}

int procfs_statm(pid_t pid, struct statm *statm)
{
	char text[256];
	unsigned long size, resident, shared;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	if (read_file(pid, "statm", text, sizeof(text)) < 0 ||
	    sscanf(text, "%lu %lu %lu", &size, &resident, &shared) != 3 || !size)
		return -1;
	statm->size = size * page;
	statm->resident = resident * page;
	statm->shared = shared * page;
	return 0;
}

static FILE *open_maps(pid_t pid)
{
	int fd = open_file(pid, "maps");
	FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
	if (!maps && fd >= 0)
		close(fd);
	return maps;
}

int procfs_maps_memfd(pid_t pid, uint64_t inode)
{
	char line[8192];
	int found = 0;
	FILE *maps = open_maps(pid);
	if (!maps)
		return -1;
	errno = 0;
	while (!found && fgets(line, sizeof(line), maps)) {
		unsigned long number = 0;
		found = strstr(line, "/memfd:heaptrace") && sscanf(line, "%*s %*s %*s %*s %lu", &number) == 1 &&
			number == inode;
	}
	bool failed = ferror(maps);
	fclose(maps);
	return failed && !found ? -1 : found;
}

int procfs_shared_files(pid_t pid, int (*visit)(const char *path, uint64_t inode, void *data), void *data)
{
	char line[8192];
	int result = 0;
	FILE *maps = open_maps(pid);
	if (!maps)
		return 0;
	while (!result && fgets(line, sizeof(line), maps)) {
		unsigned long inode = 0;
		char rights[8] = "";
		char *path = strchr(line, '/');
		line[strcspn(line, "\n")] = '\0';
		if (path && sscanf(line, "%*s %7s %*s %*s %lu", rights, &inode) == 2 && strcmp(rights, "rw-s") == 0)
			result = visit(path, inode, data);
	}
	fclose(maps);
	return result;
}

/** The text behind "KEY:" in /proc/PID/status, inside `text`. */
static char *status_field(pid_t pid, const char *key, char *text, size_t size)
{
	size_t length = strlen(key);
	if (read_file(pid, "status", text, size) < 0)
		return NULL;
	for (char *line = text; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
		if (strncmp(line, key, length) == 0 && line[length] == ':')
			return line + length + 1;
	}
	return NULL;
}

pid_t procfs_inner_pid(pid_t pid, unsigned *levels)
{
	char text[4096];
	pid_t inner = 0;
	char *field = status_field(pid, "NSpid", text, sizeof(text));
	*levels = 0;
	if (!field)
		return 0;
	field[strcspn(field, "\n")] = '\0';
	for (char *word = strtok(field, " \t"); word; word = strtok(NULL, " \t")) {
		inner = (pid_t)strtol(word, NULL, 10);
		(*levels)++;
	}
	return inner;
}

long procfs_status_number(pid_t pid, const char *key)
{
	char text[4096];
	char *field = status_field(pid, key, text, sizeof(text));
	return field ? strtol(field, NULL, 10) : -1;
}

void procfs_executable(pid_t pid, struct executable *executable)
{
	char path[64];
	struct stat status;
	*executable = (struct executable){0};
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &status) == 0)
		*executable = (struct executable){status.st_dev, status.st_ino};
}

int procfs_executable_path(pid_t pid, char *path, size_t size)
{
	static const char deleted[] = " (deleted)";
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	ssize_t length = readlink(link, path, size - 1);
	if (length <= 0)
		return -1;
	path[length] = '\0';
	size_t tail = sizeof(deleted) - 1;
	if ((size_t)length > tail && strcmp(path + (size_t)length - tail, deleted) == 0)
		path[(size_t)length - tail] = '\0';
	return 0;
}

int procfs_name(pid_t pid, char *name, size_t size)
{
	char path[4096];
	if (procfs_executable_path(pid, path, sizeof(path)) == 0) {
		snprintf(name, size, "%s", base_name(path));
		return 0;
	}
	if (read_file(pid, "comm", name, size) > 0) {
		name[strcspn(name, "\n")] = '\0';
		return 0;
	}
	snprintf(name, size, "?");
	return -1;
}

bool procfs_names(pid_t pid, bool (*visit)(const char *name, void *data), void *data)
{
	char text[4096];
	if (read_file(pid, "cmdline", text, sizeof(text)) > 0) {
		const char *name = base_name(text);
		if (visit(name + (name[0] == '-' && name[1]), data))
			return true;
	}
	if (procfs_executable_path(pid, text, sizeof(text)) == 0) {
		if (visit(base_name(text), data))
			return true;
	}
	if (read_file(pid, "comm", text, sizeof(text)) <= 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return visit(text, data);
}

int procfs_environment_has(pid_t pid, const char *text)
{
	char piece[16384];
	size_t length = strlen(text), kept = 0;
	int found = 0;
	ssize_t got;
	int fd = open_file(pid, "environ");
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -1;
	while (!found && (got = read(fd, piece + kept, sizeof(piece) - kept)) > 0) {
		size_t filled = kept + (size_t)got;
		found = memmem(piece, filled, text, length) != NULL;
		kept = filled < length ? filled : length;
		memmove(piece, piece + filled - kept, kept);
	}
	close(fd);
	return found;
}

/** The variable LD_PRELOAD in an environment. */
static char *find_preload(char *environment, size_t size)
{
	static const char variable[] = "LD_PRELOAD=";
	for (char *at = environment; at < environment + size; at += strlen(at) + 1) {
		if (strncmp(at, variable, sizeof(variable) - 1) == 0)
			return at + sizeof(variable) - 1;
	}
	return NULL;
}

int procfs_run_directory(pid_t pid, char *path, size_t size)
{
	static const char ending[] = "/libheaptrace.so";
	char *environment = malloc(1 << 21);
	if (!environment)
		return -1;
	ssize_t got = read_file(pid, "environ", environment, 1 << 21);
	int error = errno;
	char *preload = got > 0 ? find_preload(environment, (size_t)got) : NULL;
	int result = -1;
	for (char *word = preload ? strtok(preload, ": ") : NULL; word && result; word = strtok(NULL, ": ")) {
		char *last = strstr(word, ending);
		if (!last || last[sizeof(ending) - 1] || !strstr(word, "/heaptrace-"))
			continue;
		*last = '\0';
		snprintf(path, size, "%s", word);
		result = 0;
	}
	free(environment);
	errno = got > 0 || (error != EACCES && error != EPERM && error != ESRCH) ? ENOENT : error;
	return result;
}

int procfs_each(int (*visit)(pid_t pid, void *data), void *data)
{
	int result = 0;
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	if (!proc)
		return 0;
	while (!result && (entry = readdir(proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);
		if (pid > 0 && !*end)
			result = visit((pid_t)pid, data);
	}
	closedir(proc);
	return result;
}
