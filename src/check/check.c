// SPDX-License-Identifier: MIT

/*
 * The checking build (make check-unwind): every backtrace that the guest makes is compared, frame by frame, with what
 * libunwind says about the same stack. Mismatches are printed; the counts are written to stderr at the end, or appended
 * to the file that HEAPTRACE_CHECK names.
 */

#define UNW_LOCAL_ONLY
#include "../check.h"

#include "../rendezvous.h"

#include <fcntl.h>
#include <libunwind.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_SHOWN 5u

static uint64_t compared, mismatches, frames_compared, shorter;

static void say(const char *format, ...)
{
	char text[512];
	va_list list;
	const char *path = environment("HEAPTRACE_CHECK");
	long fd = path ? raw_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : 2;

	va_start(list, format);
	int length = vsnprintf(text, sizeof(text), format, list);

	va_end(list);
	raw_call(SYS_write, fd, text, length, 0);
	if (path)
		raw_close((int)fd);
}

static void show(const char *what, void *const *theirs, int count, const struct stack_frame *frames, uint32_t ours)
{
	say("check-unwind: %s: libunwind %d frames, ours %u\n", what, count, ours);
	for (int i = 0; i < count || (uint32_t)i < ours; i++)
		say("  %2d %16lx %16lx\n", i, i < count ? (unsigned long)theirs[i] : 0,
		    (uint32_t)i < ours ? (unsigned long)frames[ours - 1 - i].pc : 0);
}

/* libunwind ends with a frame of address 0 in some threads; ours ends before. */
static int strip(void *const *theirs, int count)
{
	while (count && !theirs[count - 1])
		count--;
	return count;
}

void check_backtrace(const struct stack_frame *frames, uint32_t count, bool truncated, uintptr_t pc)
{
	static __thread bool inside;
	void *all[HT_MAX_DEPTH + 32];
	int got, skip = 0;

	if (inside)
		return;
	inside = true;
	got = unw_backtrace(all, HT_MAX_DEPTH + 16);
	while (skip < got && (uintptr_t)all[skip] != pc)
		skip++;
	got = strip(all, got);
	void *const *theirs = all + skip;
	int their_count = got - skip;
	bool bad = skip >= got;

	for (uint32_t i = 0; i < count && (int)i < their_count && !bad; i++)
		bad = (uintptr_t)theirs[i] != frames[count - 1 - i].pc;
	if (!bad && !truncated && their_count < (int)HT_MAX_DEPTH)
		bad = (int)count != their_count;
	if (!bad && truncated && (int)count < their_count && count < guest.depth)
		if (__atomic_add_fetch(&shorter, 1, __ATOMIC_RELAXED) == 1)
			show("cut short", theirs, their_count, frames, count);
	if (bad && __atomic_add_fetch(&mismatches, 1, __ATOMIC_RELAXED) <= MAX_SHOWN)
		show("mismatch", theirs, their_count, frames, count);
	__atomic_add_fetch(&compared, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&frames_compared, count, __ATOMIC_RELAXED);
	inside = false;
}

__attribute__((destructor)) static void summary(void)
{
	say("check-unwind: %lu compared, %lu frames, %lu mismatches, %lu truncated where libunwind went on\n", compared,
	    frames_compared, mismatches, shorter);
}
