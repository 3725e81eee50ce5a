// SPDX-License-Identifier: MIT

/*
 * Life of sessions, and looking at them. What hooks report is in session_events.c.
 */

#include "session.h"
#include "control.h"

#include <errno.h>
#include <linux/mman.h>
#include <string.h>
#include <sys/mman.h>

struct session *sessions[SESSIONS];
struct session_callbacks session_callbacks;

/* Memory of a snapshot in a cage: what was mapped once is used again, for nothing more can be had. */
static void *spare;
static size_t spare_size;

/* Whether a session has to hear of events: also of frees while it is stopped, or its records would be wrong later. */
static bool wants_events(const struct session *session)
{
	return session->state == SESSION_RUNNING || session->state == SESSION_PAUSED ||
	       (session->state == SESSION_STOPPED && session->records.count);
}

static void set_control(void)
{
	bool wanted = session_callbacks.allocated || session_callbacks.freed || session_callbacks.failed;

	for (unsigned i = 0; i < SESSIONS; i++)
		wanted |= sessions[i] && wants_events(sessions[i]);
	if (wanted)
		control_set(CONTROL_SESSIONS);
	else
		control_clear(CONTROL_SESSIONS);
}

void session_callbacks_changed(void)
{
	struct session_hold hold;

	if (!session_lock(&hold))
		return;
	set_control();
	session_unlock(&hold);
}

/* Put a session, or its absence, into the list. @return 0, or -ENOSPC */
static int list(struct session *old, struct session *new)
{
	for (unsigned i = 0; i < SESSIONS; i++)
		if (sessions[i] == old) {
			sessions[i] = new;
			return 0;
		}
	return -ENOSPC;
}

int session_open(struct session *session, const struct session_options *options)
{
	uint32_t limit = options->policy == SESSION_GROW ? options->limit : options->capacity;
	struct session_hold hold;
	struct records records = {0};
	int error;

	if (session->state != SESSION_NONE)
		return -EBUSY;
	if (options->depth > RECORDS_MAX_DEPTH)
		return -EINVAL;
	if (options->capacity && !records_open(&records, options->capacity, limit, options->depth))
		return -ENOMEM;
	if (!session_lock(&hold))
		return -EAGAIN;
	error = list(NULL, session);
	if (!error)
		*session = (struct session){.state = SESSION_READY, .mode = SESSION_ALL, .policy = options->policy,
					    .depth = options->depth, .listener = options->listener, .records = records};
	session_unlock(&hold);
	if (error)
		records_close(&records);
	return error;
}

int session_close(struct session *session)
{
	struct session_hold hold;
	struct records records;

	if (session->state == SESSION_NONE)
		return 0;
	if (!session_lock(&hold))
		return -EAGAIN;
	if (session->state == SESSION_RUNNING || session->state == SESSION_PAUSED) {
		session_unlock(&hold);
		return -EBUSY;
	}
	records = session->records;
	session->records = (struct records){0};
	session->state = SESSION_NONE;
	list(session, NULL);
	set_control();
	session_unlock(&hold);
	records_close(&records);
	return 0;
}

static void clear(struct session *session)
{
	if (session->listener && session->listener->cleared)
		session->listener->cleared(session);
	if (session->records.capacity)
		records_clear(&session->records);
	session->figures = (struct session_figures){0};
}

/* What was freed while nobody looked: it must not be taken for a leak any more. */
static void drop_gone(struct session *session)
{
	struct records *records = &session->records;

	for (uint32_t slot = 0; slot < records->used; slot++) {
		struct record *record = records_slot(records, slot);

		if (!record->sequence || record->state != RECORD_GONE)
			continue;
		session->figures.stop_gap_frees++;
		session->figures.bytes_live -= record->size;
		record->state = RECORD_FREED;
		if (session->mode == SESSION_LEAKS)
			records_remove(records, slot);
		if (session->listener && session->listener->changed)
			session->listener->changed(session, slot, record->sequence ? record : NULL, NULL);
	}
}

/* The transitions. Each is called with the lock. */

static int start_all(struct session *session)
{
	session->mode = SESSION_ALL;
	clear(session);
	return 0;
}

static int start_leaks(struct session *session)
{
	session->mode = SESSION_LEAKS;
	clear(session);
	return 0;
}

static int go_on(struct session *session)
{
	if (session->state == SESSION_RUNNING)
		return -EINVAL;
	drop_gone(session);
	return 0;
}

static int stop(struct session *session)
{
	return session->state == SESSION_RUNNING || session->state == SESSION_PAUSED ? 0 : -EINVAL;
}

static int pause_allocations(struct session *session)
{
	return session->state == SESSION_RUNNING ? 0 : -EINVAL;
}

static int change(struct session *session, enum session_state state, int (*transition)(struct session *))
{
	struct session_hold hold;
	int error;

	if (!session_lock(&hold))
		return -EAGAIN;
	error = session->state == SESSION_NONE ? -EINVAL : transition(session);
	if (!error)
		session->state = state;
	set_control();
	session_unlock(&hold);
	return error;
}

int session_start(struct session *session, enum session_mode mode)
{
	return change(session, SESSION_RUNNING, mode == SESSION_LEAKS ? start_leaks : start_all);
}

int session_stop(struct session *session)
{
	return change(session, SESSION_STOPPED, stop);
}

int session_pause(struct session *session)
{
	return change(session, SESSION_PAUSED, pause_allocations);
}

int session_resume(struct session *session)
{
	return change(session, SESSION_RUNNING, go_on);
}

uint32_t session_count(const struct session *session)
{
	return load_relaxed(&session->records.count);
}

uint64_t session_mark(const struct session *session)
{
	return load_relaxed(&session->records.sequence);
}

static void copy_record(const struct records *records, struct record *from, struct session_record *to)
{
	*to = (struct session_record){.sequence = from->sequence, .ns = from->ns, .address = from->address, .size = from->size,
				      .cpu = from->cpu, .state = from->state, .allocated_depth = from->allocated_depth,
				      .freed_depth = from->freed_depth};
	memcpy(to->allocated_by, record_frames(records, from, false), from->allocated_depth * sizeof(uintptr_t));
	memcpy(to->freed_by, record_frames(records, from, true), from->freed_depth * sizeof(uintptr_t));
}

int session_get(struct session *session, uint32_t index, struct session_record *out)
{
	struct session_hold hold;
	uint32_t slot = NO_RECORD;

	if (!session_lock(&hold))
		return -EAGAIN;
	if (session->state != SESSION_NONE)
		slot = records_at(&session->records, index);
	if (slot != NO_RECORD)
		copy_record(&session->records, records_slot(&session->records, slot), out);
	session_unlock(&hold);
	return slot == NO_RECORD ? -EINVAL : 0;
}

/* Mapped with its pages, before the lock is taken. */
static void *take_memory(size_t *size)
{
	void *memory;

	if (!load_relaxed(&guest.caged))
		return raw_mmap(*size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1, 0);
	if (spare && spare_size >= *size) {
		memory = spare;
		*size = spare_size;
		spare = NULL;
		return memory;
	}
	return memory_map(*size);
}

void session_snapshot_free(struct session_snapshot *snapshot)
{
	if (!snapshot->memory)
		return;
	if (load_relaxed(&guest.caged)) {
		spare = snapshot->memory;
		spare_size = snapshot->size;
	} else {
		memory_unmap(snapshot->memory, snapshot->size);
	}
	snapshot->memory = NULL;
}

#define LABELS 128u

/* Under the lock: what is live can not be given back meanwhile. What went since the copy was made has no label. */
static void label_some(struct session *session, const struct session_snapshot *snapshot, uint32_t first, uint32_t count)
{
	uintptr_t addresses[LABELS];

	for (uint32_t i = 0; i < count; i++) {
		const struct record *copy = session_snapshot_record(snapshot, first + i);
		const struct record *now = records_slot(&session->records, copy->chain);

		addresses[i] = now && now->sequence == copy->sequence && now->state == RECORD_LIVE ? copy->address : 0;
	}
	session_regions(addresses, snapshot->regions + first, count);
}

/* Few at a time: the kernel reads the heads of chunks, and nobody shall wait for all of them. */
static void find_regions(struct session *session, const struct session_snapshot *snapshot)
{
	struct session_hold hold;

	for (uint32_t i = 0; i < snapshot->count && session_lock(&hold); i += LABELS) {
		label_some(session, snapshot, i, snapshot->count - i < LABELS ? snapshot->count - i : LABELS);
		session_unlock(&hold);
	}
}

/* Frames that are not there need not be copied. `chain` of a copy is the slot. */
static void copy_record_whole(const struct records *records, uint32_t slot, struct record *to)
{
	struct record *from = records_slot(records, slot);

	memcpy(to, from, sizeof(*from) + from->allocated_depth * sizeof(*from->frames));
	if (from->freed_depth)
		memcpy(record_frames(records, to, true), record_frames(records, from, true),
		       from->freed_depth * sizeof(*from->frames));
	to->chain = slot;
}

static void copy_all(const struct records *records, struct session_snapshot *snapshot)
{
	uint32_t slot = records->oldest, count = 0;

	for (; slot != NO_RECORD && count < records->count; count++) {
		copy_record_whole(records, slot, session_snapshot_record(snapshot, count));
		slot = records_slot(records, slot)->newer;
	}
	snapshot->count = count;
}

/* Memory for some more than there are now: they may become more until the lock is held. */
static bool prepare(const struct session *session, bool regions, struct session_snapshot *snapshot, uint32_t *room)
{
	const struct records *records = &session->records;

	*room = load_relaxed(&records->count) + load_relaxed(&records->count) / 16 + 64;
	snapshot->stride = records->stride;
	snapshot->size = *room * (snapshot->stride + 1);
	snapshot->memory = take_memory(&snapshot->size);
	snapshot->records = snapshot->memory;
	snapshot->regions = regions && snapshot->memory ? (uint8_t *)snapshot->memory + *room * snapshot->stride : NULL;
	return snapshot->memory;
}

int session_snapshot(struct session *session, bool regions, struct session_snapshot *snapshot)
{
	struct session_hold hold;
	uint32_t room;

	for (;;) {
		if (!prepare(session, regions, snapshot, &room))
			return -ENOMEM;
		if (!session_lock(&hold)) {
			session_snapshot_free(snapshot);
			return -EAGAIN;
		}
		if (session->records.count <= room && session->records.stride == snapshot->stride)
			break;
		session_unlock(&hold);
		session_snapshot_free(snapshot);
	}
	snapshot->state = session->state;
	snapshot->mode = session->mode;
	snapshot->capacity = session->records.capacity;
	snapshot->depth = session->records.depth;
	snapshot->figures = session->figures;
	copy_all(&session->records, snapshot);
	session_unlock(&hold);
	if (regions)
		find_regions(session, snapshot);
	return 0;
}

/* The lock is nobody's here; what another thread of the parent was changing under it is made whole. */
void session_forked(void)
{
	bool broken = session_lock_forked();

	session_hidden_forked();

	for (unsigned i = 0; i < SESSIONS; i++) {
		struct session *session = sessions[i];

		if (!session)
			continue;
		/* Blocks that other threads of the parent were moving: who would end that is not here. */
		if (session->records.capacity && (broken || session->records.moving))
			records_repair(&session->records);
		if (session->listener && session->listener->forked)
			session->listener->forked(session);
	}
}
