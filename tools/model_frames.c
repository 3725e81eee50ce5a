// SPDX-License-Identifier: MIT

/*
 * From nodes to distinct chains of frames. Guests may make the same node twice, and load the same object twice; here each
 * (address, module) becomes one frame and each (chain of callers, frame) one chain, so that equal backtraces end in the
 * same chain. A parent's number is lower than its child's: one pass in ascending order sees parents first, and there
 * are no cycles.
 */

#include "model_build.h"

#include <stdlib.h>
#include <string.h>

static int number_order(const void *key, const void *item)
{
	uint32_t number = *(const uint32_t *)key;
	const struct module *module = item;

	return number < module->number ? -1 : number > module->number;
}

static bool same_object(const struct module *a, const struct module *b)
{
	return a->bias == b->bias && a->start == b->start && a->end == b->end && a->build_id_size == b->build_id_size &&
	       !memcmp(a->build_id, b->build_id, a->build_id_size) && !strcmp(a->path, b->path);
}

/** For each module the first one that is the same object at the same place (it was unloaded and loaded again). */
static void find_same_modules(struct chains *chains)
{
	struct model *model = chains->model;
	struct strings paths = { 0 };
	struct table first = { 0 };
	bool fresh;

	chains->same = memory_zeroed(model->module_count, sizeof(*chains->same));
	for (size_t i = 0; i < model->module_count; i++) {
		struct module *module = &model->modules[i];
		uintptr_t path = (uintptr_t)strings_keep(&paths, module->path);
		uint32_t *index = table_at(&first, path, module->bias, &fresh);

		if (fresh)
			*index = (uint32_t)i;
		chains->same[i] = same_object(&model->modules[*index], module) ? &model->modules[*index] : module;
	}
	table_free(&first);
	strings_free(&paths);
}

/** The module that a node names, if the address can be in it. */
static struct module *module_of(const struct chains *chains, const struct ht_node *node)
{
	const struct model *model = chains->model;
	struct module *module;

	if (!node->module || !model->module_count)
		return NULL;
	module = bsearch(&node->module, model->modules, model->module_count, sizeof(*module), number_order);
	if (!module || node->address < module->start || node->address > module->end)
		return NULL;
	return chains->same[module - model->modules];
}

static uint32_t frame_number(struct chains *chains, const struct ht_node *node)
{
	struct model *model = chains->model;
	struct module *module = module_of(chains, node);
	bool fresh;
	uint32_t *number = table_at(&chains->frame_table, node->address, module ? module->number : 0, &fresh);

	if (!fresh)
		return *number - 1;
	model->frames = memory_grow(model->frames, model->frame_count, &chains->frame_room, sizeof(*model->frames));
	model->frames[model->frame_count] = (struct frame) { .address = node->address, .module = module };
	*number = (uint32_t)++model->frame_count;
	return *number - 1;
}

static uint32_t add_chain(struct chains *chains, struct chain chain)
{
	chains->chains = memory_grow(chains->chains, chains->chain_count, &chains->chain_room, sizeof(chain));
	chains->chains[chains->chain_count] = chain;
	return (uint32_t)chains->chain_count++;
}

/** A chain one frame longer than its parent; a depth of HT_MAX_DEPTH + 1 stands for any that is too long. */
static struct chain longer_chain(const struct chains *chains, uint32_t parent, uint32_t frame)
{
	struct chain chain = chains->chains[parent];

	chain.parent = parent;
	chain.frame = frame;
	if (chain.depth <= HT_MAX_DEPTH)
		chain.depth++;
	return chain;
}

static uint32_t chain_number(struct chains *chains, const struct ht_node *node, uint32_t number)
{
	uint32_t parent = node->parent < number ? chains_of(chains, node->parent) : CHAIN_BROKEN;
	uint32_t frame = frame_number(chains, node), *chain;
	bool fresh;

	chain = table_at(&chains->chain_table, parent, frame, &fresh);
	if (fresh)
		*chain = add_chain(chains, longer_chain(chains, parent, frame));
	return *chain;
}

static void read_run(struct chains *chains, const struct item_run *run)
{
	uint32_t *notes = run->notes;

	for (uint32_t i = chains->nodes.skipped; i < run->end - run->first; i++) {
		const struct ht_node *node = (const struct ht_node *)run->data + i;

		if (node->address)
			notes[i] = chain_number(chains, node, run->first + i);
	}
}

size_t chains_read(struct chains *chains, struct model *model, const struct snapshot *snapshot, uint32_t process)
{
	size_t bad;

	*chains = (struct chains) { .model = model };
	find_same_modules(chains);
	bad = items_collect(&chains->nodes, snapshot, process, HT_CHUNK_NODES, sizeof(struct ht_node),
			    sizeof(uint32_t), HT_MAX_NODES);
	add_chain(chains, (struct chain) { .broken = false });
	add_chain(chains, (struct chain) { .broken = true });
	for (size_t i = 0; i < chains->nodes.count; i++)
		read_run(chains, &chains->nodes.runs[i]);
	return bad;
}

uint32_t chains_of(struct chains *chains, uint32_t node)
{
	void *note;

	if (!node)
		return CHAIN_EMPTY;
	if (!items_find(&chains->nodes, node, &note) || !*(uint32_t *)note)
		return CHAIN_BROKEN;
	return *(uint32_t *)note;
}

void chains_free(struct chains *chains)
{
	items_free(&chains->nodes);
	table_free(&chains->frame_table);
	table_free(&chains->chain_table);
	free(chains->chains);
	free(chains->same);
}
