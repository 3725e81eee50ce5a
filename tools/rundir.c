// SPDX-License-Identifier: MIT

/*
 * The directory is private (0700). Root's may be passed through (0711): a daemon that gives up root and then executes a
 * program still has the link in LD_PRELOAD, and its loader has to find it; socket and settings stay closed to others.
 */

#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "procfs.h"

#define MAX_SOCKET_PATH 100
#define STALE_SECONDS 60

static int directory_of_command(char *directory, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", directory, size - 1);
	if (length <= 0)
		return -1;
	directory[length] = '\0';
	*strrchr(directory, '/') = '\0';
	return 0;
}

int rundir_find_library(enum unwinder unwinder, char *path, size_t size, char *error, size_t error_size)
{
	char directory[PATH_MAX], candidate[PATH_MAX + 64], resolved[PATH_MAX];
	const char *name = unwinder == UNWINDER_LIBUNWIND ? "libheaptrace-unwind.so" : "libheaptrace.so";
	if (directory_of_command(directory, sizeof(directory))) {
		snprintf(error, error_size, "/proc/self/exe cannot be read: %s; mount /proc", strerror(errno));
		return -1;
	}
	for (int i = 0; i < 3; i++) {
		snprintf(candidate, sizeof(candidate), "%s%s/%s", i == 2 ? HEAPTRACE_LIBDIR : directory,
			 i == 1 ? "/../lib/heaptrace" : "", name);
		if (access(candidate, R_OK) == 0 && realpath(candidate, resolved) && strlen(resolved) < size) {
			strcpy(path, resolved);
			return 0;
		}
	}
	if (unwinder == UNWINDER_LIBUNWIND)
		snprintf(error, error_size, "--unwinder=libunwind: this build has no %s; leave the option out", name);
	else
		snprintf(error, error_size, "%s is neither in %s nor in %s; install heaptrace anew, or build it with 'make'",
			 name, directory, HEAPTRACE_LIBDIR);
	return -1;
}

const char *rundir_place(unsigned n)
{
	static const char *const variables[] = {"XDG_RUNTIME_DIR", "TMPDIR"};
	if (n < 2) {
		const char *place = getenv(variables[n]);
		return place ? place : "";
	}
	return n == 2 ? "/tmp" : NULL;
}

/** Can everybody pass through it and all directories above? */
static bool is_passable(const char *place)
{
	char path[PATH_MAX];
	struct stat status;
	snprintf(path, sizeof(path), "%s", place);
	for (char *slash; *path; *slash = '\0') {
		if (stat(path, &status) || !(status.st_mode & S_IXOTH))
			return false;
		slash = strrchr(path, '/');
	}
	return true;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(path, 0600) || listen(fd, 1024)) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/** What a guest has to know before it connects: it looks for no seccomp filter that was there before it. */
static int write_settings(const char *path)
{
	char text[64];
	long filters = procfs_status_number(0, "Seccomp_filters");
	int length = snprintf(text, sizeof(text), "seccomp_filters %ld\n", filters < 0 ? 0 : filters);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	ssize_t written = write(fd, text, (size_t)length);
	close(fd);
	return written == length ? 0 : -1;
}

static int fill(struct rundir *rundir, const char *library)
{
	char path[MAX_SOCKET_PATH];
	snprintf(rundir->library, sizeof(rundir->library), "%s/libheaptrace.so", rundir->path);
	if (symlink(library, rundir->library))
		return -1;
	snprintf(path, sizeof(path), "%s/settings", rundir->path);
	if (write_settings(path))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", rundir->path);
	rundir->listener = listen_at(path);
	return rundir->listener < 0 || (geteuid() == 0 && chmod(rundir->path, 0711)) ? -1 : 0;
}

static int create_at(struct rundir *rundir, const char *place, const char *library)
{
	static const char name[] = "/heaptrace-XXXXXX";
	if (place[0] != '/' || strpbrk(place, " :"))
		return errno = EINVAL, -1;
	if (strlen(place) + sizeof(name) + strlen("/socket") > MAX_SOCKET_PATH ||
	    strlen(place) + sizeof(name) > sizeof(rundir->path))
		return errno = ENAMETOOLONG, -1;
	snprintf(rundir->path, sizeof(rundir->path), "%s%s", place, name);
	if (!mkdtemp(rundir->path))
		return -1;
	if (fill(rundir, library) == 0)
		return 0;
	int error = errno;
	rundir_remove(rundir);
	errno = error;
	return -1;
}

static void explain(char *error, size_t size, const char *place, int reason)
{
	size_t filled = strlen(error);
	if (filled < size)
		snprintf(error + filled, size - filled, "%s %s (%s)", filled ? "," : "no room for the run's directory:", place,
			 reason == EINVAL ? "has a blank or a colon, or is no absolute path" :
			 reason == EFBIG ? "File too large, see 'ulimit -f'" : strerror(reason));
}

int rundir_create(struct rundir *rundir, const char *library, char *error, size_t error_size)
{
	*error = '\0';
	rundir->listener = -1;
	for (int strict = geteuid() == 0; strict >= 0; strict--) {
		const char *place;
		for (unsigned n = 0; (place = rundir_place(n)); n++) {
			if (!*place || (strict && !is_passable(place)))
				continue;
			if (create_at(rundir, place, library) == 0)
				return 0;
			if (!strict)
				explain(error, error_size, place, errno);
		}
	}
	size_t filled = strlen(error);
	if (filled < error_size)
		snprintf(error + filled, error_size - filled, "; set TMPDIR to a directory with a short name that can be written");
	return -1;
}

void rundir_remove(const struct rundir *rundir)
{
	static const char *const files[] = {"socket", "settings", "libheaptrace.so"};
	char path[MAX_SOCKET_PATH];
	struct dirent *entry;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", rundir->path, files[i]);
		unlink(path);
	}
	if (rmdir(rundir->path) == 0)
		return; /* without a descriptor: there may be none left */
	DIR *directory = opendir(rundir->path);
	while (directory && (entry = readdir(directory))) {
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
	if (directory)
		closedir(directory);
	rmdir(rundir->path);
}

static int names_directory(pid_t pid, void *path)
{
	return procfs_environment_has(pid, path) == 1;
}

/** The newest pid, from /proc/loadavg, or 0. */
static pid_t newest_pid(void)
{
	char text[128] = "";
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t got = read(fd, text, sizeof(text) - 1);
	close(fd);
	char *blank = got > 0 ? strrchr(text, ' ') : NULL;
	return blank ? (pid_t)strtol(blank, NULL, 10) : 0;
}

bool rundir_is_needed(const struct rundir *rundir, pid_t first, bool young)
{
	char path[MAX_SOCKET_PATH];
	pid_t newest = newest_pid();
	snprintf(path, sizeof(path), "%s/", rundir->path);
	if (!young || newest < first || newest - first > 500)
		return procfs_each(names_directory, path) != 0;
	for (pid_t pid = first; pid <= newest; pid++) {
		if (names_directory(pid, path))
			return true;
	}
	return false;
}

/** A run's directory of ours, not just being made, at whose socket nobody listens any more. */
static bool is_stale(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;
	size_t length = sizeof(address.sun_path);
	if (lstat(path, &status) || !S_ISDIR(status.st_mode) || status.st_uid != geteuid() ||
	    status.st_mtime + STALE_SECONDS > time(NULL) ||
	    (size_t)snprintf(address.sun_path, length, "%s/socket", path) >= length)
		return false;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool refused = fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) && errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return refused;
}

void rundir_remove_stale(const struct rundir *rundir)
{
	struct rundir other = {.listener = -1};
	int length = (int)(strrchr(rundir->path, '/') - rundir->path);
	struct dirent *entry;
	char place[sizeof(other.path)];
	snprintf(place, sizeof(place), "%.*s/", length, rundir->path);
	DIR *directory = opendir(place);
	while (directory && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, "heaptrace-", 10) != 0 ||
		    (size_t)snprintf(other.path, sizeof(other.path), "%s%.20s", place, entry->d_name) >= sizeof(other.path))
			continue;
		if (is_stale(other.path) && !rundir_is_needed(&other, 0, false))
			rundir_remove(&other);
	}
	if (directory)
		closedir(directory);
}
