// SPDX-License-Identifier: MIT

#include "labels.h"
#include "chunks.h"
#include "clock.h"

#include <sys/prctl.h>

#define ITEMS (HT_GRANULE / sizeof(struct ht_thread))
#define HEAD (sizeof(struct ht_chunk) / sizeof(struct ht_thread))

static struct ht_thread *chunks[HT_MAX_LABELS / ITEMS]; /* [atomic] each */
static uint32_t next_label;                             /* [atomic] */

void labels_forked(void)
{
	for (uint32_t i = 0; i < HT_MAX_LABELS / ITEMS; i++)
		chunks[i] = NULL;
	next_label = 0;
}

static struct ht_thread *record(uint32_t label)
{
	struct ht_thread **place = &chunks[label / ITEMS], *now = load_acquire(place);
	struct ht_chunk *fresh;

	if (now)
		return &now[label % ITEMS];
	fresh = chunk_take(HT_CHUNK_THREADS, HT_GRANULE, label / ITEMS * ITEMS, 0);
	if (!fresh)
		return NULL;
	if (!__atomic_compare_exchange_n(place, &now, (struct ht_thread *)fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return &now[label % ITEMS]; /* the other granule stays unpublished */
	chunk_publish(fresh);
	return &((struct ht_thread *)fresh)[label % ITEMS];
}

/* Names are given after threads have started: look again at each tick. */
static void note_name(struct thread *thread)
{
	char name[16] = {0};
	struct ht_thread *out = record(thread->label);

	if (!out || load_relaxed(&guest.caged) || raw_call(SYS_prctl, PR_GET_NAME, name, 0, 0))
		return;
	for (unsigned i = 0; i < sizeof(name); i++)
		store_relaxed(&out->name[i], name[i]);
}

static void new_label(struct thread *thread, uint32_t tid)
{
	uint32_t label;

	do
		label = add_relaxed(&next_label, 1);
	while (label % ITEMS < HEAD && label < HT_MAX_LABELS);
	thread->tid = tid;
	thread->label = label < HT_MAX_LABELS ? label : 0;
	struct ht_thread *out = thread->label ? record(thread->label) : NULL;

	if (!out)
		return;
	out->first_ns = clock_now();
	store_release(&out->tid, tid);
}

void label_update(struct thread *thread)
{
	uint32_t tid, tick = load_relaxed(&guest.header->tick);

	/* A state is used again by the next thread on the same control block, where libc keeps the thread's number. */
	__asm__ volatile("mov %%fs:0x2d0, %0" : "=r"(tid));
	if (!guest.tid_known)
		tid = thread->slot;
	if (unlikely(tid != thread->tid))
		new_label(thread, tid);
	else if (thread->label_tick == tick)
		return;
	thread->label_tick = tick;
	if (thread->label)
		note_name(thread);
}
