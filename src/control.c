// SPDX-License-Identifier: MIT

#include "control.h"
#include "clock.h"
#include "thread.h"
#include "traces.h"

static void show_state(void)
{
	if (load_relaxed(&guest.control) & CONTROL_STOPPED)
		__atomic_fetch_or(&guest.process->flags, HT_PROCESS_STOPPED | HT_PROCESS_HAS_GAPS, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&guest.process->flags, ~(uint32_t)HT_PROCESS_STOPPED, __ATOMIC_RELAXED);
}

void control_start(void)
{
	if (guest.header->flags & HT_OPTION_STOPPED)
		control_set(CONTROL_STOPPED);
	if (guest.header->flags & HT_OPTION_BY_THREAD)
		control_set(CONTROL_BY_THREAD);
	if (guest.header->flags & HT_OPTION_CHURN)
		control_set(CONTROL_CHURN);
	show_state();
}

void control_stop(void)
{
	control_set(CONTROL_STOPPED);
	show_state();
}

void control_resume(void)
{
	control_clear(CONTROL_STOPPED);
	show_state();
}

/*
 * Backtraces get new numbers from here on, as in a fork child, and what has an old one no longer counts, neither here
 * nor for the reader. Other threads may be at work meanwhile: an event of theirs falls on one side or the other. Their
 * shares keep less than a step that has not been published, as ever; alone, this thread's share is the whole.
 */
void control_reset(struct thread *thread)
{
	struct ht_process *process = guest.process;

	if (!traces_reset())
		return;
	if (!(load_relaxed(&process->flags) & HT_PROCESS_THREADED))
		thread->live_bytes = thread->live_blocks = 0;
	store_relaxed(&process->live_bytes, 0);
	store_relaxed(&process->live_blocks, 0);
	store_relaxed(&process->peak_bytes, 0);
	store_relaxed(&process->peak_blocks, 0);
	store_relaxed(&process->peak_ns, 0);
	store_relaxed(&process->peak_pending, 0);
	store_relaxed(&process->nested_allocations, 0);
	store_relaxed(&process->inherited_frees, 0);
	store_relaxed(&process->table_full, 0);
	store_relaxed(&process->reset_ns, clock_now());
	add_relaxed(&process->generation, 1);
}

static void obey(struct thread *thread, uint32_t wanted)
{
	switch (wanted & 0xff) {
	case HT_CONTROL_STOP:
		control_stop();
		break;
	case HT_CONTROL_START:
		control_reset(thread);
		control_resume();
		break;
	case HT_CONTROL_RESUME:
		control_resume();
		break;
	case HT_CONTROL_RESET:
		control_reset(thread);
		break;
	default:
		break;
	}
}

void control_poll(struct thread *thread)
{
	struct ht_process *process = guest.process;
	uint32_t wanted = load_acquire(&process->control_wanted), seen = load_relaxed(&process->control_seen);

	if (likely(wanted == seen) || thread->shared)
		return;
	/* One thread does it. */
	if (!__atomic_compare_exchange_n(&process->control_seen, &seen, wanted, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	obey(thread, wanted);
	store_release(&process->control_done, wanted);
}
