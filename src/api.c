// SPDX-License-Identifier: MIT

/*
 * The functions that heaptrace.h looks up, also for others that can call a library (ctypes, FFI). Documented there.
 */

#include "../include/heaptrace.h"
#include "control.h"
#include "guest.h"
#include "process.h"
#include "raw_report.h"
#include "request.h"
#include "thread.h"
#include "totals.h"

#include <fcntl.h>
#include <string.h>

#define API(type, name, ...) \
	EXPORT type api_##name(__VA_ARGS__) __asm__("heaptrace_" #name); \
	EXPORT type api_##name(__VA_ARGS__)

#define MAX_PATH 4096

/* Whether calls of this thread can do anything. */
static struct thread *traced(void)
{
	guest_start();
	return load_acquire(&guest.status) == GUEST_ACTIVE ? thread_get() : NULL;
}

API(int, is_traced, void)
{
	return traced() != NULL;
}

/* Forget everything. Another thread's event falls on one side or the other. */
static int reset(void)
{
	struct thread *thread = traced();

	if (!thread)
		return HEAPTRACE_NOT_TRACED;
	thread = thread_enter(thread, (uintptr_t)__builtin_frame_address(0));
	control_reset(thread);
	thread_leave(thread);
	return HEAPTRACE_OK;
}

API(int, reset, void)
{
	return reset();
}

API(int, start, void)
{
	int result = reset();

	if (!result)
		control_resume();
	return result;
}

API(int, stop, void)
{
	if (!traced())
		return HEAPTRACE_NOT_TRACED;
	control_stop();
	return HEAPTRACE_OK;
}

API(int, resume, void)
{
	if (!traced())
		return HEAPTRACE_NOT_TRACED;
	control_resume();
	return HEAPTRACE_OK;
}

static int result_of(int error)
{
	switch (error) {
	case 0: return HEAPTRACE_OK;
	case -ENOTCONN: case -ECONNREFUSED: case -ENOENT: case -EACCES: case -EPERM: case -ESRCH: case -ETIMEDOUT:
		return HEAPTRACE_NO_COLLECTOR;
	case -EINVAL: case -EBADF: case -ERANGE:
		return HEAPTRACE_BAD_ARGUMENT;
	default:
		return HEAPTRACE_FAILED;
	}
}

API(heaptrace_mark_t, mark, void)
{
	struct request_wish wish = {.kind = HT_REQUEST_MARK};
	uint64_t mark = 0;

	if (!traced())
		return HEAPTRACE_NOT_TRACED;
	int result = result_of(request_ask(&wish, -1, &mark));

	return result ? result : (heaptrace_mark_t)mark;
}

static bool is_open(int fd)
{
	return fd >= 0 && raw_call(SYS_fcntl, fd, F_GETFD, 0, 0) >= 0;
}

API(int, since, heaptrace_mark_t mark, int fd, const char *format)
{
	struct request_wish wish = {.kind = HT_REQUEST_SINCE, .format = format, .value = (uint64_t)mark};

	if (!traced())
		return HEAPTRACE_NOT_TRACED;
	if (mark <= 0 || !is_open(fd))
		return HEAPTRACE_BAD_ARGUMENT;
	return result_of(request_ask(&wish, fd, NULL));
}

static int dump(int fd, const char *format, const char *sort)
{
	struct request_wish wish = {.kind = HT_REQUEST_REPORT, .format = format, .sort = sort};

	process_take_figures();
	int result = result_of(request_ask(&wish, fd, NULL));

	if (result == HEAPTRACE_NO_COLLECTOR && (!format || !strcmp(format, "text")))
		result = result_of(raw_report(fd));
	return result;
}

API(int, dump, int fd, const char *format, const char *sort)
{
	if (!traced())
		return HEAPTRACE_NOT_TRACED;
	if (!load_relaxed(&guest.caged) && !is_open(fd))
		return HEAPTRACE_BAD_ARGUMENT;
	return dump(fd, format, sort);
}

API(int, dump_file, const char *path, const char *format, const char *sort)
{
	char aside[MAX_PATH];
	size_t length = path ? strlen(path) : 0;

	if (!traced())
		return HEAPTRACE_NOT_TRACED;
	if (!length || length + sizeof(".heaptrace-new") > sizeof(aside))
		return HEAPTRACE_BAD_ARGUMENT;
	memcpy(aside, path, length);
	memcpy(aside + length, ".heaptrace-new", sizeof(".heaptrace-new"));
	long fd = raw_open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return HEAPTRACE_FAILED;
	int result = dump((int)fd, format, sort);

	raw_close((int)fd);
	if (!result && raw_call(SYS_rename, aside, path, 0, 0))
		result = HEAPTRACE_FAILED;
	if (result)
		raw_call(SYS_unlink, aside, 0, 0, 0);
	return result;
}

static void fill(struct heaptrace_totals *totals)
{
	struct ht_process *process = guest.process;
	struct ht_cell sum = {0};

	totals_sum(&sum);
	totals->allocations = sum.allocated.blocks;
	totals->allocated_bytes = sum.allocated.bytes;
	totals->frees = sum.freed.blocks;
	totals->freed_bytes = sum.freed.bytes;
	/* Others may be at work meanwhile. */
	totals->live_blocks = sum.allocated.blocks > sum.freed.blocks ? sum.allocated.blocks - sum.freed.blocks : 0;
	totals->live_bytes = sum.allocated.bytes > sum.freed.bytes ? sum.allocated.bytes - sum.freed.bytes : 0;
	totals->peak_blocks = load_relaxed(&process->peak_blocks);
	totals->peak_bytes = load_relaxed(&process->peak_bytes);
	if (totals->peak_blocks < totals->live_blocks)
		totals->peak_blocks = totals->live_blocks;
	if (totals->peak_bytes < totals->live_bytes)
		totals->peak_bytes = totals->live_bytes;
	totals->unknown_frees = load_relaxed(&process->inherited_frees);
	totals->recording = !(load_relaxed(&guest.control) & CONTROL_STOPPED);
}

API(int, get_totals, struct heaptrace_totals *totals, size_t size)
{
	struct heaptrace_totals known = {0};

	if (!traced())
		return HEAPTRACE_NOT_TRACED;
	fill(&known);
	memset(totals, 0, size);
	memcpy(totals, &known, size < sizeof(known) ? size : sizeof(known));
	return HEAPTRACE_OK;
}
