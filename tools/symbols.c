// SPDX-License-Identifier: MIT

/*
 * Names for addresses: see symbols.h. An address in a module is looked up in the file that the module was loaded from,
 * but only if the file still is that file; an address in no symbol has no name, never its neighbour's. A return address
 * belongs to the call in front of it, so it is `address - 1` that is looked up.
 */

#include "symbols.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "symbols_elf.h"

/** What is known of one file, kept for all models. */
struct source {
	struct source *next;
	char *path;
	uint8_t build_id[64];
	uint32_t build_id_size;
	struct symbol_table *table; /* NULL: no file that fits */
};

static struct source *sources;
static struct strings names;

static bool is_source_of(const struct source *source, const struct module *module)
{
	return source->build_id_size == module->build_id_size && !strcmp(source->path, module->path) &&
	       !memcmp(source->build_id, module->build_id, module->build_id_size);
}

static struct elf_file *open_module(const struct module *module)
{
	struct elf_file *file = module->flags & HT_MODULE_VDSO ? elf_file_vdso() : elf_file_open(module->path);

	if (file && !elf_file_is(file, module)) {
		elf_file_close(file);
		return NULL;
	}
	return file;
}

static struct source *add_source(const struct module *module)
{
	struct source *source = memory_zeroed(1, sizeof(*source));
	struct elf_file *file = open_module(module);

	source->path = memory_copy_string(module->path);
	source->build_id_size = module->build_id_size;
	memcpy(source->build_id, module->build_id, module->build_id_size);
	if (file)
		source->table = symbol_table_read(file);
	elf_file_close(file);
	source->next = sources;
	sources = source;
	return source;
}

static struct source *source_of(struct module *module)
{
	struct source *source = module->symbols;

	if (source)
		return source;
	for (source = sources; source && !is_source_of(source, module);)
		source = source->next;
	if (!source)
		source = add_source(module);
	module->symbols = source;
	return source;
}

/** Cut "@GLIBC_2.2.5" off, demangle, and keep one copy. */
static const char *pretty(const char *symbol)
{
	const char *at = strchr(symbol, '@');
	char *plain = at && at > symbol ? memory_copy_bytes(symbol, (size_t)(at - symbol)) : memory_copy_string(symbol);
	char *name = demangle(plain);
	const char *kept = strings_keep(&names, name);

	free(name);
	free(plain);
	return kept;
}

static void name_frame(struct frame *frame)
{
	struct module *module = frame->module;
	struct source *source;
	uint64_t address, start;
	const char *symbol;

	if (frame->names)
		return;
	frame->names = memory_zeroed(1, sizeof(*frame->names));
	frame->name_count = 1;
	if (!module)
		return;
	source = source_of(module);
	address = frame->address - 1 - module->bias;
	symbol = source->table ? symbol_table_find(source->table, address, &start) : NULL;
	if (!symbol)
		return;
	frame->names->function = pretty(symbol);
	frame->names->offset = address + 1 - start;
}

void symbols_name(struct model *model, struct frame **frames, size_t count, const struct options *options)
{
	for (size_t i = 0; i < count; i++)
		name_frame(frames[i]);
}

void symbols_name_all(struct model *model, const struct options *options)
{
	for (size_t i = 0; i < model->frame_count; i++)
		name_frame(&model->frames[i]);
}

void symbols_forget(void)
{
	while (sources) {
		struct source *source = sources;

		sources = source->next;
		symbol_table_free(source->table);
		free(source->path);
		free(source);
	}
	strings_free(&names);
}
