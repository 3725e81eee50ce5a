// SPDX-License-Identifier: MIT

/* Threads that allocated: see struct ht_thread in segment.h. */

#include <stdlib.h>
#include <string.h>

#include "model_build.h"

static void add_thread(struct model *model, size_t *room, uint32_t label, const struct ht_thread *record)
{
	struct thread *thread;

	if (!record->tid)
		return;
	model->threads = memory_grow(model->threads, model->thread_count, room, sizeof(*model->threads));
	thread = &model->threads[model->thread_count++];
	*thread = (struct thread) { .label = label, .tid = record->tid, .first_ns = record->first_ns };
	memcpy(thread->name, record->name, sizeof(record->name));
}

size_t threads_read(struct model *model, const struct snapshot *snapshot)
{
	struct items items;
	size_t room = 0, bad = items_collect(&items, snapshot, model->number, HT_CHUNK_THREADS, sizeof(struct ht_thread), 0,
					     HT_MAX_LABELS);

	for (size_t i = 0; i < items.count; i++) {
		const struct item_run *run = &items.runs[i];

		for (uint32_t j = items.skipped; j < run->end - run->first; j++)
			add_thread(model, &room, run->first + j, (const struct ht_thread *)run->data + j);
	}
	items_free(&items);
	return bad;
}

static int label_order(const void *key, const void *element)
{
	uint32_t label = *(const uint32_t *)key, other = ((const struct thread *)element)->label;

	return label < other ? -1 : label > other;
}

const struct thread *thread_of(const struct model *model, uint32_t label)
{
	return label && model->thread_count ?
		bsearch(&label, model->threads, model->thread_count, sizeof(*model->threads), label_order) : NULL;
}
