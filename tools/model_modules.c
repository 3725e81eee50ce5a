// SPDX-License-Identifier: MIT

/* Loaded objects: from records of variable length, any of which may be broken, to the model. */

#include "model_build.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PHDRS 1024u
#define PT_LOAD_TYPE 1u

bool module_is_sound(const struct ht_module *record, uint64_t room)
{
	uint64_t need;

	if (record->size < sizeof(*record) || record->size > room || record->size % 8)
		return false;
	if (record->phdrs > MAX_PHDRS || record->path > record->size || record->build_id > record->size)
		return false;
	need = sizeof(*record) + record->phdrs * sizeof(struct ht_phdr) + record->build_id + record->path;
	return need <= record->size && record->start <= record->end;
}

static void read_phdrs(struct module *module, const uint8_t *bytes, uint32_t count)
{
	if (!count)
		return;
	module->phdrs = memory_zeroed(count, sizeof(*module->phdrs));
	for (uint32_t i = 0; i < count; i++) {
		struct ht_phdr phdr;

		memcpy(&phdr, bytes + i * sizeof(phdr), sizeof(phdr));
		if (phdr.type == PT_LOAD_TYPE)
			module->phdrs[module->phdr_count++] = phdr;
	}
}

void module_decode(struct module *module, const struct ht_module *record)
{
	const uint8_t *bytes = (const uint8_t *)(record + 1);

	*module = (struct module) {
		.number = record->number, .flags = record->flags, .bias = record->bias, .start = record->start,
		.end = record->end, .loaded_ns = record->loaded_ns, .unloaded_ns = record->unloaded_ns,
	};
	read_phdrs(module, bytes, record->phdrs);
	bytes += record->phdrs * sizeof(struct ht_phdr);
	module->build_id_size = record->build_id;
	if (module->build_id_size > sizeof(module->build_id))
		module->build_id_size = sizeof(module->build_id);
	memcpy(module->build_id, bytes, module->build_id_size);
	module->path = memory_copy_bytes(bytes + record->build_id, record->path);
}

static size_t read_chunk(struct model *model, size_t *room, const struct chunk *chunk)
{
	uint64_t at = sizeof(struct ht_chunk);

	while (at + sizeof(struct ht_module) <= chunk->size) {
		const struct ht_module *record = (const struct ht_module *)(chunk->data + at);

		if (!record->number)
			return 0;
		if (!module_is_sound(record, chunk->size - at))
			return 1;
		model->modules = memory_grow(model->modules, model->module_count, room, sizeof(*model->modules));
		module_decode(&model->modules[model->module_count++], record);
		at += record->size;
	}
	return 0;
}

static int number_order(const void *a, const void *b)
{
	const struct module *left = a, *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

static void free_module(struct module *module)
{
	free(module->path);
	free(module->phdrs);
}

size_t modules_read(struct model *model, const struct snapshot *snapshot)
{
	size_t room = 0, bad = 0, kept = 0, count;
	const struct chunk *chunks = snapshot_chunks(snapshot, OWNER_SEGMENT, &count);

	for (size_t i = 0; i < count; i++) {
		if (chunks[i].kind == HT_CHUNK_MODULES)
			bad += read_chunk(model, &room, &chunks[i]);
	}
	if (model->module_count)
		qsort(model->modules, model->module_count, sizeof(*model->modules), number_order);
	for (size_t i = 0; i < model->module_count; i++) {
		if (kept && model->modules[kept - 1].number == model->modules[i].number) {
			free_module(&model->modules[i]);
			bad++;
			continue;
		}
		model->modules[kept++] = model->modules[i];
	}
	model->module_count = kept;
	return bad;
}
