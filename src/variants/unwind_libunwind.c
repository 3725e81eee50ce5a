// SPDX-License-Identifier: MIT

/*
 * The second build (libheaptrace-unwind.so, --unwinder=libunwind): libunwind follows the stack, for comparison and for
 * code that our own rows can not follow. It has libunwind's price: a pipe that stays open in the program, mincore() and
 * sigprocmask() on the malloc path, a TLS segment, and about ten times the time.
 */

#define UNW_LOCAL_ONLY
#include "../cfi.h"
#include "../modules.h"
#include "../traces.h"
#include "../unwind.h"

#include <libunwind.h>

#define OWN_FRAMES 24

bool unwind_start(void)
{
	return true;
}

void unwind_forked(void)
{
}

static uint64_t mix(uint64_t hash, const struct stack_frame *frame)
{
	uint64_t h = (hash ^ frame->pc ^ frame->row) * 0x9fb21c651e98df25ull;

	return h ^ h >> 32;
}

static void fill(struct stack_frame *frame, uintptr_t pc)
{
	struct object object;
	uint32_t module = object_find(pc - 1, &object) ? module_number(&object) : 0;

	frame->pc = pc;
	frame->row = (row)module << ROW_MODULE_SHIFT;
	frame->node = 0;
}

uint32_t unwind_trace(struct thread *thread, const struct caller *caller, enum ht_entry entry)
{
	void *all[HT_MAX_DEPTH + OWN_FRAMES];
	struct stack_frame few[8], *frames = thread->shared ? few : thread->fresh;
	uint32_t limit = thread->shared && guest.depth > 8 ? 8 : guest.depth;
	int got = unw_backtrace(all, (int)(guest.depth + OWN_FRAMES)), first = 0;
	struct sighting s = {.frames = frames, .entry = entry, .thread = thread->label};
	uint64_t hash = (uint64_t)entry + 1 + ((uint64_t)thread->label << 32);

	while (first < got && (uintptr_t)all[first] != caller->pc)
		first++;
	while (got > first && !all[got - 1])
		got--;
	s.truncated = got - first > (int)limit || got == (int)guest.depth + OWN_FRAMES || first >= got;
	s.count = got - first > (int)limit ? limit : (uint32_t)(got > first ? got - first : 0);
	for (uint32_t i = 0; i < s.count; i++) {
		fill(&frames[i], (uintptr_t)all[first + (int)(s.count - 1 - i)]);
		hash = mix(hash, &frames[i]);
	}
	s.hash = hash ? hash : 1;
	return trace_number(&s);
}

uint32_t unwind_frames(struct thread *thread, const struct caller *caller, uintptr_t *out, uint32_t depth)
{
	void *all[HT_MAX_DEPTH + OWN_FRAMES];
	uint32_t limit = depth < HT_MAX_DEPTH ? depth : HT_MAX_DEPTH, count = 0;
	int got = unw_backtrace(all, (int)(limit + OWN_FRAMES)), first = 0;
	struct stack_frame frame;

	while (first < got && (uintptr_t)all[first] != caller->pc)
		first++;
	for (; first < got && all[first] && count < limit; first++) {
		out[count++] = (uintptr_t)all[first];
		fill(&frame, (uintptr_t)all[first]);
	}
	return count;
}
