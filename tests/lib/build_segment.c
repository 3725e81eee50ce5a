// SPDX-License-Identifier: MIT

/* Segments made by hand: see build_segment.h. Records are found by walking the chunks, as a reader would. */

#include "build_segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct built build_new(void)
{
	struct built built = { .bytes = aligned_alloc(64, BUILD_GRANULES * HT_GRANULE) };

	memset(built.bytes, 0, BUILD_GRANULES * HT_GRANULE);
	built.header = (struct ht_header *)built.bytes;
	*built.header = (struct ht_header) {
		.magic = HT_MAGIC, .version = HT_VERSION, .byte_order = HT_BYTE_ORDER, .kind = HT_LIVE_SEGMENT,
		.granule = HT_GRANULE, .limit = BUILD_GRANULES * HT_GRANULE, .used = HT_GRANULE, .depth = HT_MAX_DEPTH,
		.start_ns = 1000000, .start_wall = 1700000000000000000, .machine = 62, .pointer_size = 8,
		.header_size = HT_GRANULE, .release = HT_RELEASE,
	};
	return built;
}

void build_free(struct built *built)
{
	free(built->bytes);
	built->bytes = NULL;
}

struct ht_chunk *build_chunk(struct built *built, uint32_t kind, uint32_t process, uint32_t granules)
{
	uint64_t offset = built->header->used;
	struct ht_chunk *chunk = (struct ht_chunk *)(built->bytes + offset);

	if (offset / HT_GRANULE + granules > BUILD_GRANULES)
		abort();
	*chunk = (struct ht_chunk) { .magic = HT_CHUNK_MAGIC, .kind = kind, .size = (uint64_t)granules * HT_GRANULE,
				     .process = process, .number = (uint32_t)(offset / HT_GRANULE) };
	built->header->used += (uint64_t)granules * HT_GRANULE;
	return chunk;
}

uint32_t build_process(struct built *built, uint32_t parent, uint32_t pid)
{
	struct ht_chunk *chunk = build_chunk(built, HT_CHUNK_PROCESS, 0, 1);
	struct ht_process *record = (struct ht_process *)(chunk + 1);

	chunk->process = chunk->number;
	*record = (struct ht_process) { .size = sizeof(*record), .pid = pid, .ppid = 1, .parent = parent, .threads = 1,
					.generation = 1 };
	for (unsigned i = 0; i < HT_ENTRY_COUNT; i++)
		record->entries[i] = 0x7ffff7f9f000 + i * 0x100;
	return chunk->number;
}

struct ht_process *build_record(const struct built *built, uint32_t number)
{
	return (struct ht_process *)(built->bytes + (uint64_t)number * HT_GRANULE + sizeof(struct ht_chunk));
}

/** The last chunk of a kind of a process for which `fits` holds, or NULL. */
static struct ht_chunk *find_chunk(const struct built *built, uint32_t kind, uint32_t process, uint32_t first,
				   uint32_t thread)
{
	for (uint64_t at = HT_GRANULE; at < built->header->used; at += HT_GRANULE) {
		struct ht_chunk *chunk = (struct ht_chunk *)(built->bytes + at);

		if (chunk->magic == HT_CHUNK_MAGIC && chunk->kind == kind && chunk->process == process &&
		    chunk->first == first && chunk->thread == thread)
			return chunk;
	}
	return NULL;
}

static void *item(const struct built *built, uint32_t kind, uint32_t process, uint32_t number, uint32_t per_chunk)
{
	struct ht_chunk *chunk = find_chunk(built, kind, process, number / per_chunk * per_chunk, 0);

	return chunk ? (uint8_t *)chunk + number % per_chunk * (HT_GRANULE / per_chunk) : NULL;
}

/** Take the next number, and make the chunk if it is the first in it. */
static uint32_t take_number(struct built *built, uint32_t kind, uint32_t process, uint32_t *next, uint32_t per_chunk,
			    uint32_t skipped)
{
	if (*next % per_chunk == 0)
		*next += skipped;
	if (!item(built, kind, process, *next, per_chunk))
		build_chunk(built, kind, process, 1)->first = *next / per_chunk * per_chunk;
	return (*next)++;
}

uint32_t build_node(struct built *built, uint32_t process, uint32_t parent, uint32_t module, uint64_t address)
{
	uint32_t number = take_number(built, HT_CHUNK_NODES, process, &build_record(built, process)->next_node, 4096, 4);

	*build_node_at(built, process, number) = (struct ht_node) { parent, module, address };
	return number;
}

struct ht_node *build_node_at(const struct built *built, uint32_t process, uint32_t number)
{
	return item(built, HT_CHUNK_NODES, process, number, 4096);
}

uint32_t build_trace(struct built *built, uint32_t process, enum ht_entry entry, uint32_t node)
{
	uint32_t number = take_number(built, HT_CHUNK_TRACES, process, &build_record(built, process)->next_trace, 1024, 1);

	*build_trace_at(built, process, number) = (struct ht_trace) {
		.node = node, .entry = (uint8_t)entry, .flags = HT_TRACE_VALID, .first_ns = 1000,
	};
	return number;
}

struct ht_trace *build_trace_at(const struct built *built, uint32_t process, uint32_t number)
{
	return item(built, HT_CHUNK_TRACES, process, number, 1024);
}

struct ht_cell *build_cell(struct built *built, uint32_t process, uint32_t thread, uint32_t trace)
{
	struct ht_cells *cells = (struct ht_cells *)find_chunk(built, HT_CHUNK_CELLS, process, 0, thread);
	uint32_t base = trace / HT_BLOCK_CELLS * HT_BLOCK_CELLS + 1, block = 1;

	if (!cells) {
		cells = (struct ht_cells *)build_chunk(built, HT_CHUNK_CELLS, process, 1);
		cells->head.thread = thread;
	}
	while (cells->base[block] && cells->base[block] != base)
		block++;
	if (block >= HT_CHUNK_BLOCKS)
		abort();
	cells->base[block] = base;
	return &cells->cells[(block - 1) * HT_BLOCK_CELLS + trace % HT_BLOCK_CELLS];
}

void build_count(struct built *built, uint32_t process, uint32_t thread, uint32_t trace, uint64_t size,
		 uint64_t allocated, uint64_t freed)
{
	struct ht_cell *cell = build_cell(built, process, thread, trace);

	cell->allocated.blocks += allocated;
	cell->allocated.bytes += allocated * size;
	cell->freed.blocks += freed;
	cell->freed.bytes += freed * size;
}

struct ht_module *build_module_at(const struct built *built, uint32_t number)
{
	for (uint64_t at = HT_GRANULE; at < built->header->used; at += HT_GRANULE) {
		uint8_t *chunk = built->bytes + at, *record = chunk + sizeof(struct ht_chunk);

		if (((struct ht_chunk *)chunk)->kind != HT_CHUNK_MODULES)
			continue;
		while (((struct ht_module *)record)->number && ((struct ht_module *)record)->number != number)
			record += ((struct ht_module *)record)->size;
		return (struct ht_module *)record;
	}
	return NULL;
}

uint32_t build_module(struct built *built, uint32_t process, const char *path, uint64_t start, uint64_t end,
		      const char *build_id)
{
	struct ht_phdr phdr = { .type = 1, .flags = 5, .memsz = end - start, .filesz = end - start };
	struct ht_module *module;
	uint8_t *behind;

	if (!find_chunk(built, HT_CHUNK_MODULES, process, 0, 0))
		build_chunk(built, HT_CHUNK_MODULES, process, 1);
	module = build_module_at(built, UINT32_MAX);
	behind = (uint8_t *)(module + 1);
	*module = (struct ht_module) {
		.number = ++built->header->modules, .bias = start, .start = start, .end = end, .phdrs = 1,
		.build_id = (uint32_t)strlen(build_id), .path = (uint32_t)strlen(path),
	};
	memcpy(behind, &phdr, sizeof(phdr));
	memcpy(behind + sizeof(phdr), build_id, module->build_id);
	memcpy(behind + sizeof(phdr) + module->build_id, path, module->path);
	module->size = (uint32_t)((sizeof(*module) + sizeof(phdr) + module->build_id + module->path + 7) / 8 * 8);
	return module->number;
}

void build_command(struct built *built, uint32_t process, const char *const *argv)
{
	struct ht_command *command = (struct ht_command *)build_chunk(built, HT_CHUNK_COMMAND, process, 1);

	for (; *argv; argv++) {
		strcpy(command->strings + command->bytes, *argv);
		command->bytes += (uint32_t)strlen(*argv) + 1;
		command->count++;
	}
}

int build_fd(const struct built *built)
{
	static const uint8_t zeros[HT_GRANULE];
	int fd = memfd_create("segment", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, BUILD_GRANULES * HT_GRANULE))
		abort();
	for (uint64_t at = 0; at < BUILD_GRANULES * HT_GRANULE; at += HT_GRANULE) {
		if (memcmp(built->bytes + at, zeros, HT_GRANULE) != 0 &&
		    pwrite(fd, built->bytes + at, HT_GRANULE, (off_t)at) != HT_GRANULE)
			abort();
	}
	return fd;
}

struct snapshot *build_read(const struct built *built)
{
	int fd = build_fd(built);
	struct error error = { "" };
	struct snapshot *snapshot = snapshot_read(fd, "built", &error);

	close(fd);
	if (!snapshot)
		printf("# %s\n", error.text);
	return snapshot;
}

struct model *build_model(const struct built *built, uint32_t process, const struct host_facts *host)
{
	struct snapshot *snapshot = build_read(built);
	struct error error = { "" };
	struct model *model = snapshot ? snapshot_model(snapshot, process, host, &error) : NULL;

	if (!model)
		printf("# %s\n", error.text);
	snapshot_close(snapshot);
	return model;
}

struct built build_seed(void)
{
	const char *const argv[] = { "/usr/bin/seed", "--flag", "a b", NULL };
	struct built built = build_new();
	uint32_t first = build_process(&built, 0, 100), child = build_process(&built, first, 101);
	uint32_t program = build_module(&built, first, "/usr/bin/seed", 0x400000, 0x500000, "\1\2\3\4\5\6\7\10");
	uint32_t library = build_module(&built, first, "/lib/libseed.so.1", 0x7f0000000000, 0x7f0000100000, "abcdefgh");

	build_command(&built, first, argv);
	for (uint32_t process = first; process <= child; process += child - first) {
		uint32_t start = build_node(&built, process, 0, program, 0x401000);
		uint32_t caller = build_node(&built, process, start, program, 0x402000);

		for (uint32_t i = 0; i < 40; i++) {
			uint32_t leaf = build_node(&built, process, caller, library, 0x7f0000001000 + i * 16);
			uint32_t trace = build_trace(&built, process, i % HT_ENTRY_COUNT, leaf);

			build_count(&built, process, i % 3, trace, 10 + i, 5, i % 5);
		}
		build_record(&built, process)->threads = 3;
		build_record(&built, process)->flags = HT_PROCESS_THREADED;
		build_record(&built, process)->quantum_shift = 12;
		build_record(&built, process)->peak_bytes = 3000;
		build_record(&built, process)->peak_blocks = 150;
	}
	build_record(&built, child)->flags |= HT_PROCESS_FORKED;
	return built;
}
