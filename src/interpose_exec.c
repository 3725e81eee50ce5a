// SPDX-License-Identifier: MIT

/*
 * Programs that the process is about to execute are noted, because one that can not be traced (static, setuid) never
 * says so itself. Then the call goes on to libc untouched, but for one that would not survive this library: it gets an
 * environment without (spare.h). A vfork child writes into its parent's notes, whose memory it shares.
 */

#include "chunks.h"
#include "clock.h"
#include "guest.h"
#include "process.h"
#include "real.h"
#include "spare.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define LINK_SIZE 40
#define NAME_SIZE 512 /* of a program that a descriptor names; a longer one is not noted */

/* A call of exec or posix_spawn. */
struct start {
	int (*call)(const struct start *start, char *const environment[]);
	const char *path;
	char *const *arguments, *const *environment;
	int directory, flags; /* execveat's; fexecve's descriptor */
	pid_t *pid;           /* posix_spawn's */
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attributes;
};

/* Notes of this process: the chunk, and bytes used of it. [atomic] both */
static struct ht_chunk *notes;
static uint32_t notes_used;

void exec_forked(void)
{
	notes = NULL;
	notes_used = 0;
}

static char *take_note(uint32_t size)
{
	struct ht_chunk *chunk = load_acquire(&notes);
	uint32_t at = chunk ? add_relaxed(&notes_used, size) : HT_GRANULE;

	if (at + size <= HT_GRANULE - 8)
		return (char *)chunk + at;
	if (load_relaxed(&guest.caged))
		return NULL;
	chunk = chunk_take(HT_CHUNK_EXECS, HT_GRANULE, 0, 0);
	if (!chunk)
		return NULL;
	chunk_publish(chunk);
	store_relaxed(&notes_used, (uint32_t)sizeof(*chunk) + size);
	store_release(&notes, chunk);
	return (char *)(chunk + 1);
}

static struct ht_exec_note *note(const char *path, bool spawn)
{
	if (load_acquire(&guest.status) == GUEST_NEW)
		guest_start();
	if (!path || load_acquire(&guest.status) != GUEST_ACTIVE || !thread_get() || load_relaxed(&guest.caged))
		return NULL;
	size_t length = strlen(path);
	uint32_t size = (uint32_t)(sizeof(struct ht_exec_note) + length + 1 + 7) & ~7u;
	struct ht_exec_note *out = length < 4096 ? (struct ht_exec_note *)take_note(size) : NULL;

	if (!out)
		return NULL;
	out->pid = spawn ? 0 : (uint32_t)raw_call(SYS_getpid, 0, 0, 0, 0);
	out->ns = clock_now();
	memcpy(out->path, path, length + 1);
	store_release(&out->size, size);
	return out;
}

/* The spawn has returned: who the child is, or that there is none. */
static void spawned(struct ht_exec_note *out, int error, const pid_t *pid)
{
	if (out && (error || pid))
		store_release(&out->pid, error ? HT_EXEC_FAILED : (uint32_t)*pid);
}

/* "/proc/thread-self/fd/N", by which the file can be opened however the descriptor was. */
static void descriptor_path(char out[LINK_SIZE], int descriptor)
{
	static const char directory[] = "/proc/thread-self/fd/";
	char digits[12];
	size_t count = 0, used = sizeof(directory) - 1;
	unsigned number = descriptor < 0 ? 0 : (unsigned)descriptor;

	memcpy(out, directory, used);
	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		out[used++] = digits[--count];
	out[used] = 0;
}

/* A program named by a path from a directory's descriptor; an empty one is the descriptor's own file. */
static void note_at(int directory, const char *path)
{
	char link[LINK_SIZE], name[NAME_SIZE];
	size_t size;

	guest_start();
	if (directory == AT_FDCWD || *path == '/')
		note(path, false);
	if (directory < 0 || *path == '/' || !spare_may_look())
		return;
	size = strlen(path) + 1;
	descriptor_path(link, directory);
	long length = raw_call(SYS_readlinkat, AT_FDCWD, link, name, sizeof(name));

	if (length <= 0 || name[0] != '/' || (size_t)length + 1 + size > sizeof(name))
		return;
	name[length] = '/';
	memcpy(name + length + (size > 1), path, size);
	note(name, false);
}

/* The environment is read and copied only for a program that must not have it as it is. */
static NOINLINE int go_without_us(const struct start *start)
{
	struct spare_needs needs;

	if (!spare_needs(&needs, start->environment))
		return start->call(start, start->environment);
	char *environment[needs.pointers];
	char text[needs.bytes];

	spare_environment(&needs, start->environment, environment, text);
	return start->call(start, environment);
}

static int go(const struct start *start, bool spared)
{
	return spared ? go_without_us(start) : start->call(start, start->environment);
}

static int go_file(const struct start *start)
{
	note(start->path, false);
	return go(start, spare_file(AT_FDCWD, start->path));
}

static int go_in_path(const struct start *start)
{
	note(start->path, false);
	return go(start, spare_in_path(start->path));
}

static int call_execve(const struct start *start, char *const environment[])
{
	return real.execve(start->path, start->arguments, environment);
}

EXPORT int execve(const char *path, char *const arguments[], char *const environment[])
{
	return go_file(&(struct start){call_execve, path, arguments, environment, .pid = NULL});
}

static int call_execv(const struct start *start, char *const environment[])
{
	return environment == start->environment ? real.execv(start->path, start->arguments)
						 : real.execve(start->path, start->arguments, environment);
}

EXPORT int execv(const char *path, char *const arguments[])
{
	return go_file(&(struct start){call_execv, path, arguments, __environ, .pid = NULL});
}

static int call_execvpe(const struct start *start, char *const environment[])
{
	return real.execvpe(start->path, start->arguments, environment);
}

EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[])
{
	return go_in_path(&(struct start){call_execvpe, file, arguments, environment, .pid = NULL});
}

static int call_execvp(const struct start *start, char *const environment[])
{
	return environment == start->environment ? real.execvp(start->path, start->arguments)
						 : real.execvpe(start->path, start->arguments, environment);
}

EXPORT int execvp(const char *file, char *const arguments[])
{
	return go_in_path(&(struct start){call_execvp, file, arguments, __environ, .pid = NULL});
}

static int call_fexecve(const struct start *start, char *const environment[])
{
	return real.fexecve(start->directory, start->arguments, environment);
}

EXPORT int fexecve(int descriptor, char *const arguments[], char *const environment[])
{
	struct start start = {call_fexecve, NULL, arguments, environment, .directory = descriptor};
	char link[LINK_SIZE];

	note_at(descriptor, "");
	descriptor_path(link, descriptor);
	return go(&start, descriptor >= 0 && spare_file(AT_FDCWD, link));
}

/* glibc has it since 2.34. */
static int call_execveat(const struct start *start, char *const environment[])
{
	if (real.execveat)
		return real.execveat(start->directory, start->path, start->arguments, environment, start->flags);
	errno = (int)-raw6(SYS_execveat, start->directory, (long)start->path, (long)start->arguments, (long)environment,
			   start->flags, 0);
	return -1;
}

EXPORT int execveat(int directory, const char *path, char *const arguments[], char *const environment[], int flags)
{
	struct start start = {.call = call_execveat, .path = path, .arguments = arguments, .environment = environment,
			      .directory = directory, .flags = flags};
	const char *given = path;
	char link[LINK_SIZE];

	/* Declared as never NULL; but EFAULT is the kernel's to say. */
	__asm__("" : "+r"(given));
	if (!given)
		return call_execveat(&start, environment);
	bool itself = !*path && directory >= 0 && (flags & AT_EMPTY_PATH);

	note_at(directory, path);
	descriptor_path(link, directory);
	return go(&start, itself ? spare_file(AT_FDCWD, link) : spare_file(directory, path));
}

/* How many arguments execl and its kind were given. */
static size_t count_arguments(const char *first, va_list list)
{
	size_t count = 0;

	for (; first; first = va_arg(list, const char *))
		count++;
	return count;
}

/* Put them into an array that has room for them and the NULL behind the last one. */
static void gather(char **out, const char *first, va_list list)
{
	for (; first; first = va_arg(list, const char *))
		*out++ = (char *)first;
	*out = NULL;
}

/* As libc has it: the array is no larger than it must be, for a thread's or a coroutine's stack may be small. */
EXPORT int execl(const char *path, const char *first, ...)
{
	va_list list;

	va_start(list, first);
	char *arguments[count_arguments(first, list) + 1];

	va_end(list);
	va_start(list, first);
	gather(arguments, first, list);
	va_end(list);
	return go_file(&(struct start){call_execv, path, arguments, __environ, .pid = NULL});
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	va_list list;

	va_start(list, first);
	char *arguments[count_arguments(first, list) + 1];

	va_end(list);
	va_start(list, first);
	gather(arguments, first, list);
	va_end(list);
	return go_in_path(&(struct start){call_execvp, file, arguments, __environ, .pid = NULL});
}

EXPORT int execle(const char *path, const char *first, ...)
{
	va_list list;

	va_start(list, first);
	char *arguments[count_arguments(first, list) + 1];

	va_end(list);
	va_start(list, first);
	gather(arguments, first, list);
	char *const *environment = va_arg(list, char *const *);

	va_end(list);
	return go_file(&(struct start){call_execve, path, arguments, environment, .pid = NULL});
}

static int call_spawn(const struct start *start, char *const environment[])
{
	return real.posix_spawn(start->pid, start->path, start->actions, start->attributes, start->arguments, environment);
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	struct start start = {call_spawn, path, arguments, environment, 0, 0, pid, actions, attributes};
	struct ht_exec_note *out = note(path, true);
	int error = go(&start, spare_file(AT_FDCWD, path));

	spawned(out, error, pid);
	return error;
}

static int call_spawnp(const struct start *start, char *const environment[])
{
	return real.posix_spawnp(start->pid, start->path, start->actions, start->attributes, start->arguments, environment);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	struct start start = {call_spawnp, file, arguments, environment, 0, 0, pid, actions, attributes};
	struct ht_exec_note *out = note(file, true);
	int error = go(&start, spare_in_path(file));

	spawned(out, error, pid);
	return error;
}
