// SPDX-License-Identifier: MIT

/*
 * The run's clock. While traced processes work it ticks every 4 ms: the segments' clock, a look at new chunks, at
 * requests. When all of them have been idle for a second, every 50 ms. Every 100 ms, less often where that would cost
 * too much, it takes samples: memory, processor time, programs executed.
 */

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "collect.h"
#include "procfs.h"

#define TICK_MS 4u
#define IDLE_TICK_MS 50u
#define LONELY_TICK_MS 1000u /* nobody is traced any more */
#define IDLE_NS 1000000000u
#define SAMPLE_NS 100000000u
#define SAMPLE_SHARE 20u /* samples take at most a twentieth of the time */

static void set_timer(struct run *run, unsigned ms)
{
	struct itimerspec interval = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l},
		.it_interval = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l},
	};
	if (run->tick_ms == ms)
		return;
	run->tick_ms = ms;
	timerfd_settime(run->timer.fd, 0, &interval, NULL);
}

void clock_stir(struct run *run)
{
	run->busy_ns = collect_now();
	set_timer(run, TICK_MS);
}

void clock_poll_requests(struct run *run, struct process *process)
{
	for (int i = 0; process->record && i < (int)run->options->signal_count; i++) {
		uint32_t requests = __atomic_load_n(&process->record->requests[i], __ATOMIC_ACQUIRE);
		uint32_t count = requests - process->requests_seen[i];
		process->requests_seen[i] = requests;
		if (count && count < 1u << 20) /* else somebody has written over it */
			jobs_dump(run, process, i, count);
	}
}

/** Where there was no descriptor left to wait on. */
static void check_alive(struct run *run, struct process *process)
{
	struct proc_stat stat;
	if (process->watch.fd >= 0 || process->reaped_by_launcher || !process->pid)
		return;
	if (procfs_stat(process->pid, &stat) || stat.state == 'Z' || stat.state == 'X' ||
	    (process->born_ns && stat.start_ns > process->born_ns + SAMPLE_NS))
		process_end(run, process, NULL);
}

static void sample_process(struct run *run, struct process *process)
{
	struct proc_stat stat;
	if (process->ended || !process->pid)
		return;
	process_read_notes(run, process);
	process_judge_starts(run, process, false);
	process_check_exec(run, process);
	if (!process->ended && procfs_statm(process->pid, &process->facts.statm) == 0)
		process->facts.statm.ns = collect_run_ns(run);
	if (!process->ended && procfs_stat(process->pid, &stat) == 0 && stat.cpu_ticks != process->cpu_ticks) {
		process->cpu_ticks = stat.cpu_ticks;
		run->busy_ns = collect_now();
	}
	check_alive(run, process);
}

/** The launcher stopped itself after its program did: does that run again? */
static void wake_launcher(struct run *run)
{
	struct proc_stat stat;
	if (!run->launcher_stopped || (procfs_stat(run->program, &stat) == 0 && (stat.state == 'T' || stat.state == 't')))
		return;
	run->launcher_stopped = false;
	if (run->launcher_watch.fd >= 0)
		kill(run->launcher, SIGCONT);
}

static void sample_all(struct run *run)
{
	uint64_t begin = collect_now();
	for (struct image *image = run->images, *next; image; image = next) {
		next = image->next;
		for (struct process *process = image->processes; process; process = process->next)
			sample_process(run, process);
		image_drop_if_unused(run, image);
	}
	wake_launcher(run);
	run->sampled_ns = collect_now();
	run->sample_cost_ns = run->sampled_ns - begin;
}

static void tick(struct run *run)
{
	uint32_t ticks = (uint32_t)(collect_run_ns(run) >> HT_TICK_SHIFT);
	for (struct image *image = run->images; image; image = image->next) {
		__atomic_store_n(&image->header->tick, ticks, __ATOMIC_RELAXED);
		image_scan(run, image, false);
		for (struct process *process = image->processes; process; process = process->next) {
			if (!process->ended)
				clock_poll_requests(run, process);
		}
	}
}

/** Slices so short that the idle ticks would blur them. */
static bool wants_short_slices(const struct run *run)
{
	return run->images && run->options->interval_ns && run->options->interval_ns < 20 * IDLE_TICK_MS * 1000000ull;
}

static void timer_ready(struct run *run, struct watch *watch)
{
	uint64_t expirations;
	if (read(watch->fd, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN)
		return;
	tick(run);
	timeline_tick(run);
	slices_tick(run);
	uint64_t now = collect_now();
	if (now - run->sampled_ns >= SAMPLE_NS && now - run->sampled_ns >= run->sample_cost_ns * SAMPLE_SHARE)
		sample_all(run);
	client_answer_due(run);
	bool idle = now - run->busy_ns > IDLE_NS && !run->jobs && !client_is_waiting(run) && !wants_short_slices(run);
	set_timer(run, !idle ? TICK_MS : run->images || !run->done ? IDLE_TICK_MS : LONELY_TICK_MS);
}

int clock_start(struct run *run)
{
	run->sampled_ns = collect_now();
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -1;
	collect_watch(run, &run->timer, fd, timer_ready);
	clock_stir(run);
	return 0;
}
