// SPDX-License-Identifier: MIT

/* Files made beside their place: see aside.h. */

#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

#define MOST_TRIES 100

/** @return a descriptor of a file without a name, or -1: not here */
static int open_nameless(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash == path ? memory_copy_string("/") : slash ? memory_copy_bytes(path, (size_t)(slash - path)) :
									memory_copy_string(".");
	/* It gets its name through /proc. */
	int fd = access("/proc/self/fd", X_OK) ? -1 : open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	free(directory);
	return fd;
}

int aside_open(struct aside *aside, const char *path)
{
	*aside = (struct aside){.fd = open_nameless(path)};
	if (aside->fd >= 0)
		return 0;
	aside->name = memory_format("%s.XXXXXX", path);
	aside->fd = mkostemp(aside->name, O_CLOEXEC);
	if (aside->fd >= 0)
		return 0;
	aside_drop(aside);
	return -1;
}

/** The rights of the file that is there, or that open() would give a new one. */
static mode_t usual_mode(const char *path)
{
	struct stat status;
	mode_t mask = umask(0);
	umask(mask);
	if (mask > 0777)
		mask = 077; /* it is forbidden to ask */
	return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? status.st_mode & 07777 : 0666 & ~mask;
}

static int give_name(int fd, const char *path)
{
	char descriptor[32];
	snprintf(descriptor, sizeof(descriptor), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, descriptor, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/** A name of its own, in order to be renamed over what is there. @return whether it has one */
static int give_some_name(struct aside *aside, const char *path)
{
	for (unsigned i = 0; i < MOST_TRIES; i++) {
		aside->name = memory_format("%s.%d-%u", path, (int)getpid(), i);
		if (give_name(aside->fd, aside->name) == 0)
			return 1;
		free(aside->name);
		aside->name = NULL;
		if (errno != EEXIST)
			break;
	}
	return 0;
}

static int close_file(struct aside *aside)
{
	int fd = aside->fd;
	aside->fd = -1;
	return fd >= 0 ? close(fd) : 0;
}

int aside_keep(struct aside *aside, const char *path)
{
	int kept = -1;
	if (fchmod(aside->fd, usual_mode(path)))
		errno = 0; /* there are file systems without rights */
	if (!aside->name && give_name(aside->fd, path) == 0)
		kept = 0;
	else if (aside->name || (errno == EEXIST && give_some_name(aside, path)))
		kept = close_file(aside) || rename(aside->name, path) ? -1 : 0;
	if (kept == 0) {
		free(aside->name);
		aside->name = NULL;
	}
	aside_drop(aside);
	return kept;
}

void aside_drop(struct aside *aside)
{
	int error = errno;
	close_file(aside);
	if (aside->name)
		unlink(aside->name);
	free(aside->name);
	aside->name = NULL;
	errno = error;
}
