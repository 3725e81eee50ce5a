// SPDX-License-Identifier: MIT

/*
 * What the hooks report to sessions. The backtrace is taken before the lock; a block's record is there before the
 * program has the block, and gone before the allocator can give its address to somebody else.
 */

#include "session.h"
#include "clock.h"
#include "lookup.h"

#include <errno.h>
#include <string.h>

#define HIDDEN_THREADS 64u
#define CAP_DEFAULT (1u << 12) /* MALLOC_CAP_DEFAULT */

/* Threads that run code for us: what they do meanwhile is no event. A longjmp() out of it leaves a mark below the stack. */
static struct hidden {
	uintptr_t tp; /* [atomic] 0: free */
	uintptr_t sp;
} hidden[HIDDEN_THREADS];
static uint32_t hidden_count; /* [atomic] */

static int (*get_cpu)(unsigned *cpu, unsigned *node, void *unused); /* the vdso's */

struct session_hidden session_hide(uintptr_t sp)
{
	for (uint32_t i = 0; i < HIDDEN_THREADS; i++) {
		uintptr_t none = 0;

		if (!__atomic_compare_exchange_n(&hidden[i].tp, &none, thread_pointer(), false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED))
			continue;
		hidden[i].sp = sp;
		add_relaxed(&hidden_count, 1);
		return (struct session_hidden){i};
	}
	return (struct session_hidden){HIDDEN_THREADS};
}

void session_unhide(struct session_hidden mark)
{
	if (mark.place == HIDDEN_THREADS)
		return;
	store_release(&hidden[mark.place].tp, 0);
	__atomic_fetch_sub(&hidden_count, 1, __ATOMIC_RELAXED);
}

void session_hidden_forked(void)
{
	for (uint32_t i = 0; i < HIDDEN_THREADS; i++)
		if (hidden[i].tp && hidden[i].tp != thread_pointer())
			session_unhide((struct session_hidden){i});
}

static COLD bool find_hidden(const struct thread *thread, uintptr_t sp)
{
	for (uint32_t i = 0; i < HIDDEN_THREADS; i++) {
		if (load_acquire(&hidden[i].tp) != thread_pointer())
			continue;
		if (sp < hidden[i].sp || thread_owns(thread, sp) != thread_owns(thread, hidden[i].sp))
			return true;
		session_unhide((struct session_hidden){i});
	}
	return false;
}

static bool is_hidden(const struct thread *thread, uintptr_t sp)
{
	return unlikely(load_relaxed(&hidden_count)) && find_hidden(thread, sp);
}

static uint32_t current_cpu(void)
{
	static bool looked;
	unsigned cpu = 0;

	if (unlikely(!looked)) {
		const struct lookup_symbol wanted = {"__vdso_getcpu", (void **)&get_cpu, NULL};

		lookup_find(LOOKUP_VDSO, &wanted, 1);
		looked = true;
	}
	return get_cpu && !get_cpu(&cpu, NULL, NULL) ? cpu : 0;
}

/* Whether a session records new blocks: stopped and paused ones only watch those that they have. */
static bool is_running(void)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		const struct session *session = load_relaxed(&sessions[i]);

		if (session && load_relaxed(&session->state) == SESSION_RUNNING)
			return true;
	}
	return false;
}

/* Frames that somebody wants of this event. */
static uint32_t wanted_depth(bool free)
{
	uint32_t depth = 0;

	for (unsigned i = 0; i < SESSIONS; i++) {
		const struct session *session = load_relaxed(&sessions[i]);

		if (!session || session->state == SESSION_NONE || session->state == SESSION_STOPPED)
			continue;
		if (free && session->mode == SESSION_LEAKS && session->records.capacity)
			continue;
		depth = session->depth > depth ? session->depth : depth;
	}
	return depth;
}

static void describe(struct session_event *event, struct thread *thread, const struct caller *caller, const void *block,
		     size_t size, bool free)
{
	uint32_t depth = wanted_depth(free);

	event->thread = thread;
	event->sp = caller->sp;
	event->address = (uintptr_t)block;
	event->size = size;
	event->ns = clock_now();
	event->cpu = current_cpu();
	event->depth = depth ? unwind_frames(thread, caller, event->frames, depth) : 0;
}

/* An event that nobody can take: in a cage, in a handler that has interrupted the lock's holder. */
static void miss(void)
{
	for (unsigned i = 0; i < SESSIONS; i++)
		if (sessions[i])
			add_relaxed(&sessions[i]->figures.missed, 1);
}

static void tell(struct session *session, uint32_t slot, const struct record *record, const struct session_event *event)
{
	if (session->listener && session->listener->changed)
		session->listener->changed(session, slot, record, event);
}

static uint8_t copy_frames(struct session *session, struct record *record, const struct session_event *event, bool freed)
{
	uint32_t depth = event->depth < session->depth ? event->depth : session->depth;

	memcpy(record_frames(&session->records, record, freed), event->frames, depth * sizeof(*event->frames));
	return (uint8_t)depth;
}

/* A record's block is no more. */
static void settle(struct session *session, uint32_t slot, const struct session_event *event)
{
	struct record *record = records_slot(&session->records, slot);

	session->figures.bytes_live -= record->size;
	if (session->mode == SESSION_LEAKS) {
		records_remove(&session->records, slot);
		tell(session, slot, NULL, event);
		return;
	}
	records_hide(&session->records, slot, RECORD_FREED);
	record->freed_depth = event ? copy_frames(session, record, event, true) : 0;
	tell(session, slot, record, event);
}

static void evict_oldest(struct session *session)
{
	uint32_t slot = session->records.oldest;

	if (slot == NO_RECORD)
		return;
	if (records_slot(&session->records, slot)->state != RECORD_FREED)
		session->figures.bytes_live -= records_slot(&session->records, slot)->size;
	session->figures.evicted++;
	records_remove(&session->records, slot);
	tell(session, slot, NULL, NULL);
}

static uint32_t add_record(struct session *session, uintptr_t address)
{
	uint32_t slot = records_add(&session->records, address);

	if (slot == NO_RECORD && session->policy != SESSION_DROP_NEW) {
		evict_oldest(session);
		slot = records_add(&session->records, address);
	}
	if (slot == NO_RECORD)
		session->figures.dropped++;
	return slot;
}

static void count_live(struct session *session, size_t size)
{
	struct session_figures *figures = &session->figures;

	figures->bytes_live += size;
	if (figures->bytes_live > figures->bytes_peak)
		figures->bytes_peak = figures->bytes_live;
	if (session->records.count > figures->high_water)
		figures->high_water = session->records.count;
}

static void take_allocation(struct session *session, const struct session_event *event)
{
	uint32_t slot;

	if (session->state != SESSION_RUNNING)
		return;
	session->figures.allocations++;
	if (session->listener && session->listener->allocated)
		session->listener->allocated(session, event);
	if (!session->records.capacity)
		return;
	slot = records_find(&session->records, event->address);
	if (slot != NO_RECORD) {
		session->figures.missed_frees++;
		settle(session, slot, NULL);
	}
	slot = add_record(session, event->address);
	if (slot == NO_RECORD)
		return;
	struct record *record = records_slot(&session->records, slot);

	record->size = event->size;
	record->ns = event->ns;
	record->cpu = (uint16_t)event->cpu;
	record->allocated_depth = copy_frames(session, record, event, false);
	count_live(session, event->size);
	tell(session, slot, record, event);
}

/* `slot`: the block's record, NO_RECORD if it has none. */
static void take_free(struct session *session, uint32_t slot, const struct session_event *event)
{
	if (session->state == SESSION_STOPPED) {
		if (slot != NO_RECORD)
			records_hide(&session->records, slot, RECORD_GONE);
		return;
	}
	if (session->state != SESSION_RUNNING && session->state != SESSION_PAUSED)
		return;
	session->figures.frees++;
	if (slot == NO_RECORD)
		session->figures.unmatched_frees++;
	else
		settle(session, slot, event);
}

static uint32_t find(const struct session *session, uintptr_t address)
{
	return session->records.capacity && session->state != SESSION_NONE ? records_find(&session->records, address) : NO_RECORD;
}

static bool listens_to_frees(const struct session *session)
{
	return session->listener && session->listener->freed &&
	       (session->state == SESSION_RUNNING || session->state == SESSION_PAUSED);
}

/* Functions of the program are called with nothing held, and find their errno as it was. */
#define CALL(thread, sp, function, ...)                                   \
	do {                                                              \
		if (function) {                                           \
			struct session_hidden mark = session_hide(sp);    \
			int error = errno;                                \
									  \
			(function)(__VA_ARGS__);                          \
			errno = error;                                    \
			session_unhide(mark);                             \
		}                                                         \
	} while (0)

static void tell_sessions(struct thread *thread, const struct caller *caller, const void *block, size_t size)
{
	struct session_event event;
	struct session_hold hold;

	describe(&event, thread, caller, block, size, false);
	if (!session_lock(&hold)) {
		miss();
		return;
	}
	for (unsigned i = 0; i < SESSIONS; i++)
		if (sessions[i])
			take_allocation(sessions[i], &event);
	session_unlock(&hold);
}

COLD void session_allocated(struct thread *thread, const struct caller *caller, const void *block, size_t size)
{
	if (is_hidden(thread, caller->sp))
		return;
	if (is_running())
		tell_sessions(thread, caller, block, size);
	CALL(thread, caller->sp, session_callbacks.allocated, (void *)block, size, CAP_DEFAULT);
}

COLD void session_freed(struct thread *thread, const struct caller *caller, const void *block)
{
	struct session_event event;
	struct session_hold hold;

	if (is_hidden(thread, caller->sp))
		return;
	CALL(thread, caller->sp, session_callbacks.freed, (void *)block);
	describe(&event, thread, caller, block, 0, true);
	if (!session_lock(&hold)) {
		miss();
		return;
	}
	for (unsigned i = 0; i < SESSIONS; i++) {
		if (!sessions[i])
			continue;
		if (listens_to_frees(sessions[i]))
			sessions[i]->listener->freed(sessions[i], &event);
		take_free(sessions[i], find(sessions[i], event.address), &event);
	}
	session_unlock(&hold);
}

static const char *entry_name(enum ht_entry entry)
{
	static const char *const names[HT_ENTRY_COUNT] = {
#define X(id, name) name,
		HT_ENTRIES(X)
#undef X
	};

	return entry < HT_ENTRY_COUNT ? names[entry] : "malloc";
}

COLD void session_failed(struct thread *thread, const struct caller *caller, enum ht_entry entry, size_t size)
{
	struct session_hold hold;

	if (is_hidden(thread, caller->sp))
		return;
	if (session_lock(&hold)) {
		for (unsigned i = 0; i < SESSIONS; i++)
			if (sessions[i] && sessions[i]->state == SESSION_RUNNING)
				sessions[i]->figures.failed++;
		session_unlock(&hold);
	}
	CALL(thread, caller->sp, session_callbacks.failed, size, CAP_DEFAULT, entry_name(entry));
}

COLD void session_move_begin(struct thread *thread, const struct caller *caller, const void *old, struct session_move *move)
{
	struct session_event event;
	struct session_hold hold;

	if (is_hidden(thread, caller->sp))
		return;
	describe(&event, thread, caller, old, 0, true);
	if (!session_lock(&hold))
		return;
	move->begun = true;
	move->old = (uintptr_t)old;
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct session *session = sessions[i];
		uint32_t slot = old && session ? find(session, move->old) : NO_RECORD;

		move->slots[i] = slot;
		if (old && session && listens_to_frees(session))
			session->listener->freed(session, &event);
		if (slot == NO_RECORD)
			continue;
		move->sequences[i] = records_slot(&session->records, slot)->sequence;
		records_hide(&session->records, slot, RECORD_MOVING);
	}
	session_unlock(&hold);
}

/* The record that was put aside, unless it has been evicted since, or its session is another. */
static uint32_t moving(const struct session *session, const struct session_move *move, unsigned i)
{
	const struct record *record = move->slots[i] == NO_RECORD || !session->records.capacity ? NULL :
				      records_slot(&session->records, move->slots[i]);

	return record && record->sequence == move->sequences[i] && record->state == RECORD_MOVING ? move->slots[i] : NO_RECORD;
}

static void put_back(const struct session_move *move, const struct session_event *event)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		if (!sessions[i] || !move->old)
			continue;
		uint32_t slot = moving(sessions[i], move, i);

		if (slot != NO_RECORD)
			records_show(&sessions[i]->records, slot);
		if (listens_to_frees(sessions[i]) && sessions[i]->listener->restored)
			sessions[i]->listener->restored(sessions[i], event);
	}
}

static void finish_move(const struct session_move *move, struct session_event *event, const void *block, size_t size)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		if (!sessions[i])
			continue;
		event->address = move->old;
		event->size = 0;
		if (move->old)
			take_free(sessions[i], moving(sessions[i], move, i), event);
		event->address = (uintptr_t)block;
		event->size = size;
		if (block)
			take_allocation(sessions[i], event);
	}
}

COLD void session_move_end(struct thread *thread, const struct caller *caller, enum ht_entry entry, struct session_move *move,
			   const void *block, size_t size)
{
	struct session_event event;
	struct session_hold hold;
	bool failed = !block && size;

	if (!move->begun)
		return;
	describe(&event, thread, caller, failed ? (const void *)move->old : block, size, false);
	if (!session_lock(&hold))
		return;
	if (failed)
		put_back(move, &event);
	else
		finish_move(move, &event, block, size);
	session_unlock(&hold);
	if (failed)
		session_failed(thread, caller, entry, size);
	else if (move->old)
		CALL(thread, caller->sp, session_callbacks.freed, (void *)move->old);
	if (block)
		CALL(thread, caller->sp, session_callbacks.allocated, (void *)block, size, CAP_DEFAULT);
}
