// SPDX-License-Identifier: MIT

/*
 * Programs that the process is about to execute are noted, because one that can not be traced (static, setuid) never
 * says so itself. A note is all that happens: the call goes on to libc untouched. A vfork child writes into its
 * parent's notes, whose memory it shares.
 */

#include "chunks.h"
#include "clock.h"
#include "guest.h"
#include "process.h"
#include "real.h"
#include "thread.h"

#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

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

EXPORT int execve(const char *path, char *const arguments[], char *const environment[])
{
	note(path, false);
	return real.execve(path, arguments, environment);
}

EXPORT int execv(const char *path, char *const arguments[])
{
	note(path, false);
	return real.execv(path, arguments);
}

EXPORT int execvp(const char *file, char *const arguments[])
{
	note(file, false);
	return real.execvp(file, arguments);
}

EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[])
{
	note(file, false);
	return real.execvpe(file, arguments, environment);
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
	return execv(path, arguments);
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
	return execvp(file, arguments);
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
	return execve(path, arguments, environment);
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	struct ht_exec_note *out = note(path, true);
	int error = real.posix_spawn(pid, path, actions, attributes, arguments, environment);

	spawned(out, error, pid);
	return error;
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	struct ht_exec_note *out = note(file, true);
	int error = real.posix_spawnp(pid, file, actions, attributes, arguments, environment);

	spawned(out, error, pid);
	return error;
}
