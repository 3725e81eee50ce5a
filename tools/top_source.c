// SPDX-License-Identifier: MIT

/*
 * Reading a run from outside: see top_source.h. A process's segment is kept open, so its last figures can be read when
 * it has ended; the memory of one that others share its segment with is given back by the collector soon after, and
 * then what was read before is the last word.
 */

#include "top_source.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "host_facts.h"
#include "procfs.h"

static uint64_t inode_of(int fd)
{
	struct stat status;
	return fstat(fd, &status) ? 0 : (uint64_t)status.st_ino;
}

static struct watched *find(const struct source *source, uint64_t inode, uint32_t number)
{
	for (size_t i = 0; i < source->count; i++) {
		if (source->processes[i]->inode == inode && source->processes[i]->number == number)
			return source->processes[i];
	}
	return NULL;
}

static void release(struct watched *watched)
{
	host_facts_free(&watched->facts);
	top_memory_free(&watched->memory);
	top_names_free(watched->names);
	free(watched);
}

/** A process whose figures have been shown may still be on the screen: what is left of it stays for good. */
static void forget(struct source *source, struct watched *watched)
{
	for (size_t i = 0; i < source->count; i++) {
		if (source->processes[i] != watched)
			continue;
		memmove(&source->processes[i], &source->processes[i + 1], (--source->count - i) * sizeof(*source->processes));
		break;
	}
	if (watched->segment >= 0)
		close(watched->segment);
	watched->segment = -1;
	if (!watched->memory.begun)
		release(watched);
}

static struct watched *add(struct source *source, const struct answer *answer)
{
	struct watched *watched = memory_zeroed(1, sizeof(*watched));
	watched->segment = dup(answer->segment);
	watched->inode = inode_of(answer->segment);
	watched->number = answer->number;
	watched->pid = answer->facts.pid;
	watched->names = top_names_new();
	procfs_name(watched->pid, watched->name, sizeof(watched->name));
	source->processes = memory_grow(source->processes, source->count, &source->room, sizeof(*source->processes));
	source->processes[source->count++] = watched;
	return watched;
}

/** The one that was asked for, or the first; where that one executed another program, what became of it. */
static void choose(struct source *source)
{
	struct watched *chosen = source->chosen;
	if (chosen && !(chosen->ended && strcmp(chosen->facts.how_it_ended, "exec") == 0))
		return;
	for (size_t i = 0; i < source->count; i++) {
		struct watched *watched = source->processes[i];
		pid_t pid = chosen ? chosen->pid : source->pid;
		if (!watched->ended && (watched->pid == pid || (!chosen && i == 0)))
			source->chosen = watched;
		if (source->chosen != chosen && watched->pid == pid)
			break;
	}
	if (chosen && source->chosen != chosen)
		forget(source, chosen);
}

/** A process has come, or ended. */
static void learn(struct source *source, struct answer *answer)
{
	struct watched *watched = find(source, inode_of(answer->segment), answer->number);
	bool ended = answer->facts.end_ns != 0;
	if (!watched && (!ended || !source->chosen))
		watched = add(source, answer);
	close(answer->segment);
	if (!watched) {
		host_facts_free(&answer->facts);
		return;
	}
	host_facts_free(&watched->facts);
	watched->facts = answer->facts;
	watched->ended |= ended;
	choose(source);
	if (watched->ended && watched != source->chosen)
		forget(source, watched);
}

int source_open(struct source *source, pid_t pid, char *error, size_t size)
{
	struct inquiry inquiry = {.pid = pid, .flags = DUMP_QUIET | DUMP_RUN | DUMP_FOLLOW};
	*source = (struct source){.pid = pid, .follow = -1, .pidfd = -1};
	if (!inquiry_ask(&inquiry)) {
		inquiry_explain(&inquiry, error, size);
		return -1;
	}
	source->follow = inquiry.follow;
	if (source->follow < 0)
		source->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	for (size_t i = 0; i < inquiry.count; i++)
		learn(source, &inquiry.answers[i]);
	free(inquiry.answers);
	return 0;
}

int source_open_run(struct source *source, const char *directory, pid_t launcher)
{
	*source = (struct source){.pid = launcher, .pidfd = -1};
	source->follow = inquiry_follow(directory, launcher);
	return source->follow < 0 ? -1 : 0;
}

int source_fd(const struct source *source)
{
	return source->follow >= 0 ? source->follow : source->pidfd;
}

/** What is not watched by a collector has ended: how, nobody says but perhaps the library itself. */
static void all_ended(struct source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		if (!source->processes[i]->ended)
			source->processes[i]->facts.how_it_ended[0] = '\0';
		source->processes[i]->ended = true;
	}
	if (source->pidfd >= 0)
		close(source->pidfd);
	source->pidfd = -1;
}

static bool is_readable(int fd)
{
	struct pollfd descriptor = {.fd = fd, .events = POLLIN};
	return poll(&descriptor, 1, 0) > 0;
}

static bool is_anything_alive(const struct source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		if (!source->processes[i]->ended)
			return true;
	}
	return false;
}

/** What is not among the answers has ended while nobody told us. */
static void miss(struct source *source, const struct inquiry *inquiry, size_t number)
{
	struct watched *watched = source->processes[number];
	for (size_t i = 0; i < inquiry->count; i++) {
		if (inode_of(inquiry->answers[i].segment) == watched->inode && inquiry->answers[i].number == watched->number)
			return;
	}
	if (watched != source->chosen) {
		forget(source, watched);
		return;
	}
	if (watched->ended)
		return;
	watched->facts.how_it_ended[0] = '\0';
	watched->ended = true;
}

/** All processes of the run, after some were missed. */
static void learn_all(struct source *source, struct inquiry *inquiry)
{
	for (size_t i = source->count; i-- > 0;)
		miss(source, inquiry, i);
	for (size_t i = 0; i < inquiry->count; i++)
		learn(source, &inquiry->answers[i]);
	free(inquiry->answers);
}

/** The connection has ended: try another one. Else the collector is gone, and the kernel says when the process ends. */
static void ask_again(struct source *source)
{
	struct inquiry inquiry = {.pid = source->pid, .flags = DUMP_QUIET | DUMP_RUN | DUMP_FOLLOW};
	if (!inquiry_ask(&inquiry) || inquiry.follow < 0) {
		inquiry_free(&inquiry);
		if (source->chosen && !source->chosen->ended)
			source->pidfd = (int)syscall(SYS_pidfd_open, source->chosen->pid, 0);
		source->collector_lost = source->pidfd >= 0 && !is_readable(source->pidfd);
		if (!source->collector_lost)
			all_ended(source);
		return;
	}
	source->follow = inquiry.follow;
	learn_all(source, &inquiry);
}

bool source_hear(struct source *source)
{
	struct answer answer;
	bool changed = false;
	if (source->pidfd >= 0 && is_readable(source->pidfd)) {
		all_ended(source);
		return true;
	}
	while (source->follow >= 0 && is_readable(source->follow)) {
		struct inquiry all = {.pid = source->pid};
		changed = true;
		switch (inquiry_next(source->follow, &answer, &all)) {
		case 0:
			learn(source, &answer);
			break;
		case 1:
			learn_all(source, &all);
			break;
		default:
			close(source->follow);
			source->follow = -1;
			if (is_anything_alive(source))
				ask_again(source);
		}
	}
	return changed;
}

void source_choose(struct source *source, struct watched *watched)
{
	struct watched *old = source->chosen;
	source->chosen = watched;
	if (old && old != watched && old->ended)
		forget(source, old);
}

/** The collector's facts as they would be in a report made now. */
static struct host_facts facts_now(struct watched *watched, const struct snapshot *snapshot)
{
	struct host_facts facts = watched->facts;
	facts.taken_ns = monotonic_ns() - snapshot_header(snapshot)->start_ns;
	if (!watched->ended && procfs_statm(watched->pid, &facts.statm) == 0) {
		facts.statm.ns = facts.taken_ns;
		watched->facts.statm = facts.statm; /* for the time when there is no process to ask any more */
	}
	return facts;
}

struct top_refresh *source_read(struct source *source, struct error *error)
{
	struct watched *watched = source->chosen;
	bool last = watched && watched->ended;
	if (!watched || watched->segment < 0) {
		snprintf(error->text, sizeof(error->text), "nothing to be read");
		return NULL;
	}
	struct snapshot *snapshot = snapshot_read(watched->segment, "the segment", error);
	struct host_facts facts = snapshot ? facts_now(watched, snapshot) : watched->facts;
	struct model *model = snapshot ? snapshot_model(snapshot, watched->number, &facts, error) : NULL;
	if (last) {
		close(watched->segment);
		watched->segment = -1;
	}
	if (model && last && model->totals.allocations < watched->memory.totals.allocations) {
		model_free(model);
		model = NULL;
		snprintf(error->text, sizeof(error->text), "the figures of its very end are gone");
	}
	if (!model) {
		snapshot_close(snapshot);
		return NULL;
	}
	snapshot_close(source->snapshot);
	source->snapshot = snapshot;
	source->snapshot_number = watched->number;
	snprintf(watched->name, sizeof(watched->name), "%s", model->name);
	struct top_refresh *refresh = top_refresh_make(&watched->memory, model);
	refresh->statm = facts.statm;
	return refresh;
}

bool source_ask_allocator(const struct source *source)
{
	struct inquiry inquiry = {.pid = source->chosen ? source->chosen->pid : 0};
	if (!source->chosen || source->chosen->ended || source->follow < 0)
		return false;
	bool asked = inquiry_ask(&inquiry);
	inquiry_free(&inquiry);
	return asked;
}

int source_save(const struct source *source, const char *path, struct error *error)
{
	if (source->snapshot && source->chosen) {
		struct host_facts facts = facts_now(source->chosen, source->snapshot);
		return snapshot_save(source->snapshot, &source->snapshot_number, &facts, 1, path, error);
	}
	snprintf(error->text, sizeof(error->text), "nothing has been read yet");
	return -1;
}
