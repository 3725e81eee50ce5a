// SPDX-License-Identifier: MIT

/*
 * Names for addresses: see symbols.h. An address in a module is looked up in the file that the module was loaded from,
 * but only if the file still is that file, and in its debug file; an address in no symbol has no name, never its
 * neighbour's. A return address belongs to the call in front of it, so it is `address - 1` that is looked up.
 *
 * Functions come from our own reading of the symbol tables, lines and inlined functions from addr2line, asked once for
 * each file with all addresses that are not known yet.
 */

#include "symbols.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "paths.h"
#include "symbols_cache.h"
#include "symbols_elf.h"
#include "symbols_files.h"
#include "symbols_lines.h"
#include "symbols_mini.h"
#include "symbols_perf.h"

/** What is known of one object, kept for all models. */
struct source {
	struct source *next;
	char *path;
	uint8_t build_id[64];
	uint32_t build_id_size;
	uint64_t extent;            /* size in memory: tells objects without a build id apart */
	struct symbol_table *table; /* NULL: no file that fits */
	const char *remark;         /* why there is none */
	char *lines_file;           /* the file with debug info, or NULL */
	uint64_t lines_size;        /* its size */
	bool loaded;                /* the cache has been asked */
	struct place *places;       /* answers, also empty ones */
	size_t place_count, place_room;
	struct table known;         /* address to index in `places` + 1 */
};

/** A frame that wants a name. */
struct wanted {
	struct frame *frame;
	struct source *source;
	uint64_t address;           /* ELF virtual address of the call */
};

static struct source *sources;
static struct strings names;

static bool is_source_of(const struct source *source, const struct module *module)
{
	return source->build_id_size == module->build_id_size && !strcmp(source->path, module->path) &&
	       !memcmp(source->build_id, module->build_id, module->build_id_size) &&
	       (module->build_id_size || source->extent == module->end - module->start);
}

/** Add the symbols of one file, and note whether it has lines. */
static void read_file(struct source *source, struct elf_file *file, const char *path)
{
	struct stat status;

	if (!file)
		return;
	if (!source->table)
		source->table = symbol_table_new();
	symbol_table_add(source->table, file);
	if (path && !source->lines_file && elf_file_has_lines(file)) {
		source->lines_file = memory_copy_string(path);
		source->lines_size = stat(path, &status) ? 0 : (uint64_t)status.st_size;
	}
	elf_file_close(file);
}

/** Of a stripped file whose debug file is not here: it may bring the names itself. */
static void read_mini(struct source *source, const char *path)
{
	struct elf_file *file = elf_file_open(path);

	if (file && !elf_file_has_symbols(file))
		read_file(source, mini_open(file, base_name(source->path)), NULL);
	elf_file_close(file);
}

static void read_files(struct source *source, const struct module *module, int pid, const struct options *options)
{
	struct module_files files;

	module_files_find(&files, module, pid, options);
	if (files.binary)
		read_file(source, elf_file_open(files.binary), files.binary);
	if (files.debug)
		read_file(source, elf_file_open(files.debug), files.debug);
	else if (files.binary)
		read_mini(source, files.binary);
	source->remark = source->table ? NULL : files.remark;
	module_files_free(&files);
}

static void read_vdso(struct source *source, const struct module *module)
{
	struct elf_file *file = elf_file_vdso();

	if (file && elf_file_is(file, module))
		read_file(source, file, NULL);
	else
		elf_file_close(file);
}

static struct source *add_source(const struct module *module, int pid, const struct options *options)
{
	struct source *source = memory_zeroed(1, sizeof(*source));

	source->path = memory_copy_string(module->path);
	source->build_id_size = module->build_id_size;
	source->extent = module->end - module->start;
	memcpy(source->build_id, module->build_id, module->build_id_size);
	if (module->flags & HT_MODULE_VDSO)
		read_vdso(source, module);
	else
		read_files(source, module, pid, options);
	if (source->table)
		symbol_table_sort(source->table);
	source->next = sources;
	sources = source;
	return source;
}

static struct source *source_of(struct module *module, int pid, const struct options *options)
{
	struct source *source = module->symbols;

	if (source)
		return source;
	for (source = sources; source && !is_source_of(source, module);)
		source = source->next;
	if (!source)
		source = add_source(module, pid, options);
	module->symbols = source;
	module->remark = source->remark;
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

/** A file's name without a directory in front, if it begins with that directory. */
static const char *without(const char *file, const char *directory)
{
	size_t length = directory ? strlen(directory) : 0;

	return length > 1 && !strncmp(file, directory, length) && file[length] == '/' ? file + length + 1 : file;
}

/** The file as the debug info gives it, without the current directory (or what the shell calls so) in front. */
static const char *pretty_file(const char *file)
{
	char *directory = getcwd(NULL, 0);
	const char *rest = without(file, directory);

	free(directory);
	if (rest == file)
		rest = without(file, getenv("PWD"));
	return strings_keep(&names, rest);
}

/** What the cache calls a source: its contents are the same wherever build id, size and tool are. To be freed. */
static char *cache_key(const struct source *source, const struct options *options)
{
	char id[2 * sizeof(source->build_id) + 1] = "";

	for (uint32_t i = 0; i < source->build_id_size; i++)
		snprintf(id + 2 * i, 3, "%02x", source->build_id[i]);
	return memory_format("%s-%" PRIx64 "-%s", id, source->lines_size, lines_tool(options));
}

/** Take over answers; those to questions that have one already are dropped. */
static void add_places(struct source *source, struct place *places, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool fresh;
		uint32_t *index = table_at(&source->known, places[i].address, 0, &fresh);

		if (!fresh) {
			place_clear(&places[i]);
			continue;
		}
		source->places = memory_grow(source->places, source->place_count, &source->place_room, sizeof(*places));
		source->places[source->place_count++] = places[i];
		*index = (uint32_t)source->place_count;
	}
	free(places);
}

static void load_cache(struct source *source, const struct options *options)
{
	char *key;
	size_t count;
	struct place *places;

	if (source->loaded || !source->build_id_size || !options->cache)
		return;
	source->loaded = true;
	key = cache_key(source, options);
	places = cache_load(key, &count);
	add_places(source, places, count);
	free(key);
}

/** Only what the tool answered is worth keeping. */
static void save_cache(const struct source *source, const struct options *options)
{
	struct place *answered = memory_zeroed(source->place_count, sizeof(*answered));
	char *key = cache_key(source, options);
	size_t count = 0;

	for (size_t i = 0; i < source->place_count; i++) {
		if (source->places[i].count)
			answered[count++] = source->places[i];
	}
	if (source->build_id_size && count)
		cache_save(key, answered, count);
	free(answered);
	free(key);
}

/** Ask for the lines of one source's addresses, as far as they are not known. */
static void find_lines(struct source *source, const struct wanted *wanted, size_t count, const struct options *options)
{
	struct place *places;
	size_t unknown = 0, answered;

	if (!options->lines || !source->lines_file)
		return;
	load_cache(source, options);
	places = memory_zeroed(count, sizeof(*places));
	for (size_t i = 0; i < count; i++) {
		if (!table_find(&source->known, wanted[i].address, 0) &&
		    (!unknown || places[unknown - 1].address != wanted[i].address))
			places[unknown++].address = wanted[i].address;
	}
	answered = unknown ? lines_find(source->lines_file, base_name(source->path), places, unknown, options) : 0;
	add_places(source, places, unknown);
	if (answered && options->cache)
		save_cache(source, options);
}

static const struct place *place_of(const struct source *source, uint64_t address, const struct options *options)
{
	const uint32_t *index = options->lines ? table_find(&source->known, address, 0) : NULL;

	return index ? &source->places[*index - 1] : NULL;
}

/** Put a file and a line into a name. A file without a line is a guess of the tool's, from the symbol table: none. */
static void set_line(struct frame_name *name, const struct line *line)
{
	if (!line->file || !line->line)
		return;
	name->file = pretty_file(line->file);
	name->line = line->line;
}

/** The inlined functions, innermost first. */
static void add_inlined(struct frame *frame, const struct place *place)
{
	for (size_t i = 0; i + 1 < place->count; i++) {
		struct frame_name *name = &frame->names[frame->name_count];

		if (!place->lines[i].function)
			continue;
		*name = (struct frame_name) { .function = pretty(place->lines[i].function), .inlined = true };
		set_line(name, &place->lines[i]);
		frame->name_count++;
	}
}

/** The real function: its name is the symbol's; the debug info's only where it knows the line as well, else it guesses. */
static void add_real(const struct wanted *wanted, const struct place *place)
{
	struct frame *frame = wanted->frame;
	struct frame_name *name = &frame->names[frame->name_count++];
	const struct line *line = place && place->count ? &place->lines[place->count - 1] : NULL;
	const struct symbol_table *table = wanted->source->table;
	uint64_t start = 0;
	const char *symbol = table ? symbol_table_find(table, wanted->address, &start) : NULL;

	*name = (struct frame_name) { .function = NULL };
	if (symbol) {
		name->function = pretty(symbol);
		name->offset = wanted->address + 1 - start;
	} else if (line && line->function && line->file && line->line) {
		name->function = pretty(line->function);
		name->offset = UNKNOWN_OFFSET;
	}
	if (line && name->function)
		set_line(name, line);
}

static void name_wanted(const struct wanted *wanted, const struct options *options)
{
	const struct place *place = place_of(wanted->source, wanted->address, options);
	struct frame *frame = wanted->frame;

	if (frame->names)
		return;
	frame->names = memory_zeroed(place && place->count ? place->count : 1, sizeof(*frame->names));
	if (place && options->inlines)
		add_inlined(frame, place);
	add_real(wanted, place);
}

/** Frames in no module: code of a JIT compiler, if it left a map. */
static void name_anonymous(struct model *model, struct frame **frames, size_t count)
{
	struct perf_map *map = NULL;
	bool read = false;

	for (size_t i = 0; i < count; i++) {
		struct frame *frame = frames[i];
		const char *name;
		uint64_t start = 0;

		if (frame->names || frame->module)
			continue;
		if (!read)
			map = perf_map_read(model);
		read = true;
		name = map ? perf_map_find(map, frame->address - 1, &start) : NULL;
		frame->names = memory_zeroed(1, sizeof(*frame->names));
		frame->name_count = 1;
		if (name)
			*frame->names = (struct frame_name) { .function = strings_keep(&names, name),
							      .offset = frame->address - start };
	}
	perf_map_free(map);
}

static int wanted_order(const void *a, const void *b)
{
	const struct wanted *left = a, *right = b;

	if (left->source != right->source)
		return (uintptr_t)left->source < (uintptr_t)right->source ? -1 : 1;
	return left->address < right->address ? -1 : left->address > right->address;
}

void symbols_name(struct model *model, struct frame **frames, size_t count, const struct options *options)
{
	struct wanted *wanted = memory_zeroed(count, sizeof(*wanted));
	size_t all = 0;

	for (size_t i = 0; i < count; i++) {
		struct module *module = frames[i]->module;

		if (!module || frames[i]->names)
			continue;
		wanted[all++] = (struct wanted) { frames[i], source_of(module, model->pid, options),
						  frames[i]->address - 1 - module->bias };
	}
	qsort(wanted, all, sizeof(*wanted), wanted_order);
	for (size_t i = 0, next; i < all; i = next) {
		for (next = i; next < all && wanted[next].source == wanted[i].source;)
			next++;
		find_lines(wanted[i].source, wanted + i, next - i, options);
	}
	for (size_t i = 0; i < all; i++)
		name_wanted(&wanted[i], options);
	free(wanted);
	name_anonymous(model, frames, count);
}

void symbols_name_all(struct model *model, const struct options *options)
{
	struct frame **frames = memory_zeroed(model->frame_count, sizeof(*frames));

	for (size_t i = 0; i < model->frame_count; i++)
		frames[i] = &model->frames[i];
	symbols_name(model, frames, model->frame_count, options);
	free(frames);
}

void symbols_forget(void)
{
	while (sources) {
		struct source *source = sources;

		sources = source->next;
		symbol_table_free(source->table);
		cache_free(source->places, source->place_count);
		table_free(&source->known);
		free(source->lines_file);
		free(source->path);
		free(source);
	}
	strings_free(&names);
	lines_forget();
}
