// SPDX-License-Identifier: MIT

/*
 * What makes two frames the same: the module's build id (its path, where there is none) and the offset in it. In a module
 * that was rebuilt between the snapshots offsets mean nothing: there the names and lines of the functions decide.
 */

#include "diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"
#include "symbols.h"

/** A module that frames lie in, as one file has it. */
struct build {
	const char *base, *id; /* kept strings */
	const char *path;
	size_t file;
};

struct builds {
	struct build *builds;
	size_t count, room;
	struct table known; /* (id, file), so that each is in the list once */
};

static const char *keep_base(struct diff_keys *keys, const struct module *module)
{
	return strings_keep(&keys->strings, base_name(module->path));
}

/** The build id as a kept string, "" if there is none. */
static const char *keep_id(struct diff_keys *keys, const struct module *module)
{
	char hex[2 * sizeof(module->build_id) + 1] = "";

	for (uint32_t i = 0; i < module->build_id_size; i++)
		snprintf(hex + 2 * i, 3, "%02x", module->build_id[i]);
	return strings_keep(&keys->strings, hex);
}

static void add_builds(struct diff_keys *keys, struct builds *builds, const struct model *model, size_t file)
{
	bool *used = memory_zeroed(model->module_count, sizeof(*used));

	for (size_t i = 0; i < model->frame_count; i++) {
		if (model->frames[i].module)
			used[model->frames[i].module - model->modules] = true;
	}
	for (size_t i = 0; i < model->module_count; i++) {
		const struct module *module = &model->modules[i];
		struct build build = { keep_base(keys, module), keep_id(keys, module), module->path, file };
		bool fresh;

		if (!used[i] || !module->build_id_size || module->flags & HT_MODULE_VDSO)
			continue;
		table_at(&builds->known, (uintptr_t)build.id, file, &fresh);
		if (!fresh)
			continue;
		builds->builds = memory_grow(builds->builds, builds->count, &builds->room, sizeof(*builds->builds));
		builds->builds[builds->count++] = build;
	}
	free(used);
}

static bool file_has(const struct builds *builds, const struct build *build, size_t file)
{
	return table_find(&builds->known, (uintptr_t)build->id, file) != NULL;
}

/** Two builds of one name, neither of which the other's file has. */
static bool is_rebuild(const struct builds *builds, const struct build *a, const struct build *b)
{
	return a->base == b->base && a->file != b->file && a->id != b->id && !file_has(builds, a, b->file) &&
	       !file_has(builds, b, a->file);
}

static void find_rebuilt(struct diff_keys *keys, struct diff *diff, const struct builds *builds)
{
	for (size_t i = 0; i < builds->count; i++) {
		for (size_t j = 0; j < i; j++) {
			bool fresh;

			if (!is_rebuild(builds, &builds->builds[i], &builds->builds[j]))
				continue;
			keys->any_rebuilt = true;
			table_at(&keys->rebuilt, (uintptr_t)builds->builds[i].base, 0, &fresh);
			if (fresh)
				diff_note(diff, memory_format("%s was rebuilt between the snapshots: compared by functions "
							      "and lines", builds->builds[i].path));
		}
	}
}

static bool is_rebuilt(struct diff_keys *keys, const struct frame *frame)
{
	return keys->any_rebuilt && frame->module && frame->module->build_id_size &&
	       table_find(&keys->rebuilt, (uintptr_t)keep_base(keys, frame->module), 0);
}

static void note_nameless(struct diff *diff, const struct model *model, const char *path)
{
	for (size_t i = 0; i < model->module_count; i++) {
		const struct module *module = &model->modules[i];

		if (module->remark)
			diff_note(diff, memory_format("no names for %s of %s: %s; its backtraces only match what has the same "
						      "offsets (keep the old file, and name its directory with --debug-dir)",
						      module->path, path, module->remark));
	}
}

/** Rebuilt modules are compared by names, so these frames need them now. */
static void name_rebuilt(struct diff_keys *keys, struct diff *diff, struct model *model, const char *path)
{
	struct frame **frames = memory_zeroed(model->frame_count, sizeof(*frames));
	size_t count = 0;

	for (size_t i = 0; i < model->frame_count; i++) {
		if (is_rebuilt(keys, &model->frames[i]))
			frames[count++] = &model->frames[i];
	}
	symbols_name(model, frames, count, diff->options);
	if (count)
		note_nameless(diff, model, path);
	free(frames);
}

void diff_keys_make(struct diff_keys *keys, struct diff *diff)
{
	struct builds builds = { 0 };

	for (size_t i = 0; i < diff->file_count; i++) {
		for (size_t j = 0; j < diff->files[i].models.count; j++)
			add_builds(keys, &builds, diff->files[i].models.models[j], i);
	}
	find_rebuilt(keys, diff, &builds);
	for (size_t i = 0; keys->any_rebuilt && i < diff->file_count; i++) {
		for (size_t j = 0; j < diff->files[i].models.count; j++)
			name_rebuilt(keys, diff, diff->files[i].models.models[j], diff->files[i].path);
	}
	free(builds.builds);
	table_free(&builds.known);
}

/** All functions of a frame, with their lines or without, as a kept string; NULL if they are not known. */
static const char *keep_names(struct diff_keys *keys, const struct frame *frame, bool lines)
{
	char *text = memory_copy_string(""), *longer;
	const char *kept;

	for (unsigned i = 0; i < frame->name_count; i++) {
		const struct frame_name *name = &frame->names[i];

		if (!name->function) {
			free(text);
			return NULL;
		}
		if (lines && name->file)
			longer = memory_format("%s|%s %s:%u", text, name->function, base_name(name->file), name->line);
		else
			longer = memory_format("%s|%s", text, name->function);
		free(text);
		text = longer;
	}
	kept = frame->name_count ? strings_keep(&keys->strings, text) : NULL;
	free(text);
	return kept;
}

static uint32_t place_number(struct diff_keys *keys, const char *what, uint64_t offset)
{
	bool fresh;
	uint32_t *number = table_at(&keys->places, (uintptr_t)what, offset, &fresh);

	if (fresh)
		*number = (uint32_t)keys->places.used;
	return *number;
}

static uint32_t make_key(struct diff_keys *keys, const struct frame *frame, bool loose)
{
	const struct module *module = frame->module;
	const char *what;

	if (!module)
		return place_number(keys, strings_keep(&keys->strings, "[anon]"), frame->address);
	if (is_rebuilt(keys, frame)) {
		what = keep_names(keys, frame, !loose);
		if (what)
			return place_number(keys, what, UINT64_MAX);
		return place_number(keys, keep_base(keys, module), frame->address - module->bias);
	}
	if (module->flags & HT_MODULE_VDSO)
		what = "[vdso]";
	else
		what = module->build_id_size ? keep_id(keys, module) : module->path;
	return place_number(keys, strings_keep(&keys->strings, what), frame->address - module->bias);
}

uint32_t diff_key(struct diff_keys *keys, const struct frame *frame, bool loose)
{
	bool fresh;
	uint32_t *number = table_at(loose ? &keys->loose : &keys->exact, (uintptr_t)frame, 0, &fresh), key;

	if (!fresh)
		return *number;
	key = make_key(keys, frame, loose);
	*number = key;
	return key;
}

void diff_keys_free(struct diff_keys *keys)
{
	table_free(&keys->rebuilt);
	table_free(&keys->places);
	table_free(&keys->exact);
	table_free(&keys->loose);
	strings_free(&keys->strings);
}
