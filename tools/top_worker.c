// SPDX-License-Identifier: MIT

/*
 * The thread that reads and names: see top_worker.h. It waits for the time of the next refresh, for the collector, for
 * a child that finds lines, and for wishes. A refresh is given to the screen before its names are looked up; those
 * come in portions. However dear a refresh is, at least as much time passes before the next.
 */

#include "top_worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"

#define PORTION 1000 /* frames named at once */

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stopped_saving;
	struct source *source;        /* the thread's */
	struct options options;
	int wake_screen, wake_worker;
	struct wishes wishes;         /* [lock] */
	struct worker_state state;    /* [lock] */
	struct top_refresh *fresh;    /* [lock] not taken yet */
	struct top_names *names;      /* [lock] of the newest refresh */
	bool saving;                  /* [lock] */
	struct top_refresh *last;     /* the newest; the screen frees it not before it has taken another one */
	size_t named_backtraces;      /* of the last refresh whose names are complete: a larger model needs more */
	uint64_t due_ms;
	int lines;                    /* from a child, -1: none */
	pid_t lines_child;
	struct top_names *lines_names; /* that they are for */
};

static void wake(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void say(struct worker *worker, const char *format, const char *text)
{
	pthread_mutex_lock(&worker->lock);
	snprintf(worker->state.message, sizeof(worker->state.message), format, text);
	worker->state.messages++;
	pthread_mutex_unlock(&worker->lock);
	wake(worker->wake_screen);
}

/** Bring the screen's list of processes up to date. */
static void publish_state(struct worker *worker)
{
	const struct source *source = worker->source;
	struct worker_state *state = &worker->state;

	pthread_mutex_lock(&worker->lock);
	state->count = source->count;
	state->listed = source->count < MOST_LISTED ? source->count : MOST_LISTED;
	for (size_t i = 0; i < state->listed; i++) {
		const struct watched *watched = source->processes[i];

		state->processes[i] = (struct listed) {
			.inode = watched->inode, .number = watched->number, .pid = watched->pid,
			.chosen = watched == source->chosen, .ended = watched->ended,
		};
		memcpy(state->processes[i].name, watched->name, sizeof(watched->name));
	}
	state->ended = source->chosen && source->chosen->ended;
	if (source->chosen)
		memcpy(state->how, source->chosen->facts.how_it_ended, sizeof(state->how));
	state->collector_lost = source->collector_lost;
	pthread_mutex_unlock(&worker->lock);
	wake(worker->wake_screen);
}

static bool wants_to_quit(struct worker *worker)
{
	bool quit;

	pthread_mutex_lock(&worker->lock);
	quit = worker->wishes.quit;
	pthread_mutex_unlock(&worker->lock);
	return quit;
}

/** Name what has no name yet, the largest backtraces first. */
static void name(struct worker *worker)
{
	struct top_refresh *refresh = worker->last;
	const struct top_row **order;
	size_t count, named;

	if (refresh->count == worker->named_backtraces)
		return;
	count = top_rows_sort(refresh, SORT_SIZE, NULL, NULL, &order);
	do {
		named = top_names_add(worker->names, refresh->model, order, count, PORTION, &worker->options);
		if (named)
			wake(worker->wake_screen);
	} while (named == PORTION && !wants_to_quit(worker));
	worker->named_backtraces = refresh->count;
	free(order);
}

static void refresh(struct worker *worker)
{
	struct source *source = worker->source;
	uint64_t begun = monotonic_ms(), cost, interval;
	struct error error;
	struct top_refresh *fresh = source->chosen ? source_read(source, &error) : NULL;

	if (fresh) {
		pthread_mutex_lock(&worker->lock);
		if (worker->fresh)
			top_refresh_free(worker->fresh);
		worker->fresh = fresh;
		if (worker->names != source->chosen->names)
			worker->named_backtraces = 0;
		worker->names = source->chosen->names;
		pthread_mutex_unlock(&worker->lock);
		worker->last = fresh;
		publish_state(worker);
		name(worker);
	} else if (source->chosen && source->chosen->segment < 0) {
		publish_state(worker);
	}
	cost = monotonic_ms() - begun;
	pthread_mutex_lock(&worker->lock);
	interval = worker->wishes.interval_ms;
	pthread_mutex_unlock(&worker->lock);
	worker->due_ms = begun + (interval > 2 * cost ? interval : 2 * cost);
}

/**
 * Start looking for lines. The model may have been replaced since the wish: backtraces are found again by their
 * ids.
 */
static void ask_lines(struct worker *worker, struct top_id id)
{
	struct top_refresh *last = worker->last;

	worker->lines_names = worker->lines < 0 ? worker->names : worker->lines_names;
	for (size_t i = 0; last && i < last->count && worker->lines < 0; i++) {
		if (top_id_same(last->rows[i].id, id))
			worker->lines = top_names_ask_lines(worker->names, last->model, last->rows[i].backtrace, &worker->options,
							    &worker->lines_child);
	}
}

static void save(struct worker *worker, char *path)
{
	struct error error;
	bool failed = source_save(worker->source, path, &error) != 0;

	pthread_mutex_lock(&worker->lock);
	worker->saving = false;
	pthread_cond_signal(&worker->stopped_saving);
	pthread_mutex_unlock(&worker->lock);
	if (failed)
		say(worker, "not written: %s", error.text);
	else
		say(worker, "wrote %s", path);
	free(path);
}

static void choose_process(struct worker *worker, uint64_t inode, uint32_t number)
{
	struct source *source = worker->source;

	for (size_t i = 0; i < source->count; i++) {
		if (source->processes[i]->inode == inode && source->processes[i]->number == number) {
			source_choose(source, source->processes[i]);
			break;
		}
	}
	worker->due_ms = 0;
}

/** @return false: it is over */
static bool fulfil(struct worker *worker)
{
	struct wishes wishes;
	uint64_t drained;

	while (read(worker->wake_worker, &drained, sizeof(drained)) < 0 && errno == EINTR)
		;
	pthread_mutex_lock(&worker->lock);
	wishes = worker->wishes;
	worker->wishes.now = worker->wishes.new_baseline = worker->wishes.allocator = worker->wishes.choose = false;
	worker->wishes.lines = wishes.lines && worker->lines >= 0; /* later, when the child has done */
	worker->wishes.save = NULL;
	worker->saving = wishes.save != NULL;
	pthread_mutex_unlock(&worker->lock);
	if (wishes.save)
		save(worker, wishes.save);
	if (wishes.quit)
		return false;
	if (wishes.choose)
		choose_process(worker, wishes.inode, wishes.number);
	if (wishes.new_baseline && worker->source->chosen)
		top_memory_new_baseline(&worker->source->chosen->memory);
	if (wishes.allocator)
		say(worker, "%s", source_ask_allocator(worker->source) ?
		    "the program tells its allocator's figures at its next allocation" :
		    "nobody can ask the program: it has ended, or there is no collector");
	if (wishes.lines)
		ask_lines(worker, wishes.lines_of);
	if (wishes.now || wishes.new_baseline)
		worker->due_ms = 0;
	return true;
}

static int wait_ms(struct worker *worker)
{
	const struct watched *chosen = worker->source->chosen;
	uint64_t now = monotonic_ms();
	bool paused;

	pthread_mutex_lock(&worker->lock);
	paused = worker->wishes.paused;
	pthread_mutex_unlock(&worker->lock);
	if (!chosen || chosen->segment < 0 || (paused && worker->due_ms))
		return -1;
	return worker->due_ms <= now ? 0 : (int)(worker->due_ms - now);
}

static void lines_ready(struct worker *worker)
{
	top_names_take_lines(worker->lines_names, worker->lines, worker->lines_child);
	worker->lines = -1;
	wake(worker->wake_screen);
	wake(worker->wake_worker); /* another backtrace's lines may be wanted */
}

static void source_ready(struct worker *worker)
{
	struct watched *before = worker->source->chosen;
	bool ended = before && before->ended;

	if (!source_hear(worker->source))
		return;
	publish_state(worker);
	if (worker->source->chosen != before || (before && before->ended != ended))
		worker->due_ms = 0;
}

static void *work(void *data)
{
	struct worker *worker = data;
	bool more = true;

	while (more) {
		struct pollfd descriptors[] = {
			{ .fd = worker->wake_worker, .events = POLLIN },
			{ .fd = source_fd(worker->source), .events = POLLIN },
			{ .fd = worker->lines, .events = POLLIN },
		};
		int wait = wait_ms(worker);

		if (poll(descriptors, 3, wait) < 0)
			continue;
		if (descriptors[0].revents)
			more = fulfil(worker);
		if (descriptors[1].revents)
			source_ready(worker);
		if (descriptors[2].revents)
			lines_ready(worker);
		if (more && wait_ms(worker) == 0)
			refresh(worker);
	}
	return NULL;
}

struct worker *worker_start(struct source *source, const struct options *options, uint64_t interval_ms, int wake_screen)
{
	struct worker *worker = memory_zeroed(1, sizeof(*worker));

	*worker = (struct worker) {
		.source = source, .options = *options, .wake_screen = wake_screen, .lines = -1,
		.wake_worker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .wishes.interval_ms = interval_ms,
	};
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->stopped_saving, NULL);
	publish_state(worker);
	if (worker->wake_worker >= 0 && pthread_create(&worker->thread, NULL, work, worker) == 0)
		return worker;
	free(worker);
	return NULL;
}

struct wishes *worker_wish(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	return &worker->wishes;
}

void worker_wished(struct worker *worker)
{
	pthread_mutex_unlock(&worker->lock);
	wake(worker->wake_worker);
}

struct top_refresh *worker_take(struct worker *worker, struct top_names **names)
{
	struct top_refresh *fresh;

	pthread_mutex_lock(&worker->lock);
	fresh = worker->fresh;
	worker->fresh = NULL;
	if (fresh)
		*names = worker->names;
	pthread_mutex_unlock(&worker->lock);
	return fresh;
}

void worker_look(struct worker *worker, struct worker_state *state)
{
	pthread_mutex_lock(&worker->lock);
	*state = worker->state;
	pthread_mutex_unlock(&worker->lock);
}

void worker_stop(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->wishes.quit = true;
	pthread_mutex_unlock(&worker->lock);
	wake(worker->wake_worker);
	pthread_mutex_lock(&worker->lock);
	while (worker->wishes.save || worker->saving)
		pthread_cond_wait(&worker->stopped_saving, &worker->lock);
	pthread_mutex_unlock(&worker->lock);
}
