// SPDX-License-Identifier: MIT

/*
 * Files are made beside their place and renamed, so that a reader never sees half a report and a full disk leaves the
 * old one. A symbolic link stays one: its target is replaced.
 */

#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aside.h"
#include "memory.h"

char *output_absolute(const char *directory, const char *name, bool is_pattern)
{
	if (name[0] == '/')
		return memory_copy_string(name);
	char *absolute = memory_zeroed(1, 2 * strlen(directory) + strlen(name) + 2);
	char *to = absolute;
	for (const char *from = directory; *from; from++) {
		*to++ = *from;
		if (*from == '%' && is_pattern)
			*to++ = '%';
	}
	*to++ = '/';
	strcpy(to, name);
	return absolute;
}

/** Replace %p, %n and %%; without a program only %%, and *varies says that there were others. To be freed. */
static char *expand(const char *pattern, pid_t pid, const char *program, bool *varies)
{
	char number[16];
	size_t room = strlen(pattern) + 1, filled = 0;
	snprintf(number, sizeof(number), "%d", (int)pid);
	for (const char *at = pattern; (at = strchr(at, '%')); at++)
		room += strlen(number) + (program ? strlen(program) : 0);
	char *text = memory_zeroed(1, room);
	for (const char *at = pattern; *at; at++) {
		const char *part = NULL;
		if (at[0] == '%' && (at[1] == 'p' || at[1] == 'n')) {
			part = !program ? NULL : at[1] == 'p' ? number : program;
			*varies |= !program || at[1] == 'p';
		}
		if (part) {
			for (; *part; part++)
				text[filled++] = *part == '/' ? '_' : *part;
			at++;
		} else {
			at += at[0] == '%' && at[1] == '%';
			text[filled++] = *at;
		}
	}
	return text;
}

static bool is_taken(const struct output_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->names[i], name) == 0)
			return true;
	}
	return false;
}

static const char *make_name(struct output_names *names, const struct output *output, pid_t pid, const char *program,
			     bool first)
{
	bool has_pid = false, varies = false;
	free(expand(output->pattern, pid, NULL, &varies));
	char *name = expand(output->pattern, pid, program, &has_pid);
	char *base = name;
	if (!output->shared && !has_pid && (is_taken(names, name) || (!first && !varies))) {
		base = memory_zeroed(1, strlen(name) + 16);
		sprintf(base, "%s.%d", name, (int)pid);
		free(name);
		name = base;
	}
	for (unsigned n = 2; !output->shared && is_taken(names, name); n++) {
		if (name != base)
			free(name);
		name = memory_zeroed(1, strlen(base) + 16);
		sprintf(name, "%s.%u", base, n);
	}
	if (name != base)
		free(base);
	names->names = memory_grow(names->names, names->count, &names->room, sizeof(*names->names));
	return names->names[names->count++] = name;
}

const char *output_name(struct output_names *names, const struct output *output, pid_t pid, const char *program)
{
	return make_name(names, output, pid, program, true);
}

const char *output_name_other(struct output_names *names, const struct output *output, pid_t pid, const char *program)
{
	return make_name(names, output, pid, program, false);
}

char *output_one_name(const struct output *output)
{
	bool varies = false;
	if (!output->pattern)
		return NULL;
	char *name = expand(output->pattern, 0, NULL, &varies);
	if (!varies)
		return name;
	free(name);
	return NULL;
}

void output_names_free(struct output_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct output_names){0};
}

int output_stream(int fd, const void *data, size_t size)
{
	const char *at = data;
	while (size) {
		ssize_t written = write(fd, at, size);
		if (written < 0 && errno == EAGAIN) {
			struct pollfd wait = {.fd = fd, .events = POLLOUT};
			poll(&wait, 1, -1);
			continue;
		}
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

static int close_as(int fd, int result)
{
	int error = errno;
	if (close(fd) && !result)
		return -1;
	errno = error;
	return result;
}

static int write_in_place(const char *path, int flags, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, 0666);
	return fd < 0 ? -1 : close_as(fd, output_stream(fd, data, size));
}

int output_replace(const char *path, const void *data, size_t size)
{
	char resolved[PATH_MAX];
	struct aside aside;
	struct stat status;
	bool exists = stat(path, &status) == 0;
	if (exists && !S_ISREG(status.st_mode))
		return write_in_place(path, 0, data, size);
	if (exists && realpath(path, resolved))
		path = resolved;
	if (!exists && lstat(path, &status) == 0 && S_ISLNK(status.st_mode))
		return write_in_place(path, O_CREAT | O_TRUNC, data, size); /* it stays a link; what it names is made */
	if (aside_open(&aside, path))
		return exists && (errno == EACCES || errno == EROFS || errno == EPERM) ?
			write_in_place(path, O_TRUNC, data, size) : -1;
	if (output_stream(aside.fd, data, size) == 0)
		return aside_keep(&aside, path);
	aside_drop(&aside);
	return -1;
}

int output_append(const char *path, const void *data, size_t size)
{
	struct stat status;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0)
		return -1;
	bool regular = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	int result = output_stream(fd, data, size);
	if (result && regular) {
		int error = errno;
		if (ftruncate(fd, status.st_size))
			error = errno;
		errno = error;
	}
	return close_as(fd, result);
}

/** Descriptor N of "/dev/fd/N" and its like, or -1. */
static int named_descriptor(const char *pattern)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	if (strcmp(pattern, "-") == 0 || strcmp(pattern, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(pattern, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(folders[i]);
		char *end;
		if (strncmp(pattern, folders[i], length) != 0)
			continue;
		long fd = strtol(pattern + length, &end, 10);
		if (end != pattern + length && !*end && fd >= 0 && fd < INT_MAX)
			return (int)fd;
	}
	return -1;
}

/** A directory where a file can be made, and a disk with room for it. */
static int try_directory(const char *path)
{
	char page[4096] = "";
	struct aside aside;
	if (aside_open(&aside, path))
		return -1;
	int result = output_stream(aside.fd, page, sizeof(page));
	aside_drop(&aside);
	return result;
}

bool output_connect(struct output *output)
{
	if (!output->is_fifo || output->stream >= 0)
		return true;
	int fd = open(output->pattern, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno != ENXIO && errno != EINTR;
	fcntl(fd, F_SETFL, O_WRONLY);
	output->stream = fd;
	return true;
}

/**
 * A FIFO whose reader is there stays open, or the reader would take the end of this try, or of the first report, for the
 * end of all. Where there is none yet, reports wait for one.
 */
static int try_special(struct output *output, const char *path, const struct stat *status)
{
	if (S_ISDIR(status->st_mode))
		return errno = EISDIR, -1;
	output->is_fifo = S_ISFIFO(status->st_mode);
	if (output->is_fifo)
		return access(path, W_OK) || (output_connect(output) && output->stream < 0) ? -1 : 0;
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	return close_as(fd, S_ISCHR(status->st_mode) && write(fd, "", 0) < 0 ? -1 : 0);
}

/** @return 0, or -1 with errno: the reason why the file cannot be written */
static int try_file(struct output *output, const char *path, bool varies)
{
	struct stat status;
	bool exists = !varies && stat(path, &status) == 0;
	if (exists && !S_ISREG(status.st_mode)) {
		output->shared = true;
		return try_special(output, path, &status);
	}
	if (exists && access(path, W_OK))
		return -1;
	if (try_directory(path) == 0)
		return 0;
	return exists && (errno == EACCES || errno == EROFS) ? 0 : -1;
}

/* Then /dev/null sits there, and our own descriptors close at exec. */
bool output_is_closed(int fd)
{
	int flags = fcntl(fd, F_GETFD);
	return flags < 0 || (fd <= STDERR_FILENO && flags & FD_CLOEXEC);
}

int output_prepare(struct output *output, const char *pattern, const char *directory, const char *flag, char *error,
		   size_t error_size)
{
	*output = (struct output){.stream = -1};
	if (!pattern)
		return 0;
	int result = 0, fd = named_descriptor(pattern);
	if (fd >= 0) {
		output->is_stdout = fd == STDOUT_FILENO;
		if (output_is_closed(fd)) {
			snprintf(error, error_size, "%s is closed, so the report has nowhere to go; name a file with --%s=FILE",
				 output->is_stdout ? "standard output" : pattern, flag);
			return -1;
		}
		output->stream = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		result = output->stream < 0 ? -1 : 0;
	} else {
		bool varies = false;
		output->pattern = output_absolute(directory, pattern, true);
		char *path = expand(output->pattern, 0, NULL, &varies);
		char *slash = strrchr(path, '/');
		if (!varies || !memchr(path, '%', (size_t)(slash - path)))
			result = try_file(output, path, varies);
		free(path);
	}
	if (result)
		snprintf(error, error_size, "--%s=%s cannot be written: %s; name a file in a directory that exists and has room",
			 flag, pattern, strerror(errno));
	return result;
}
