// SPDX-License-Identifier: MIT

/*
 * gperftools' heap profile, "heap_v2": addresses and counters only, for google-pprof, jeprof and pprof, which look the
 * names up themselves. Period 1 says that nothing is sampled.
 *
 * The format knows one address space. Modules of several processes, or of one that unloads and loads libraries, may lie
 * on each other, so a module that finds its addresses taken is moved to free ones, together with the frames in it.
 */

#include "report.h"

#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "report_common.h"
#include "report_stack.h"

/** A module where the document has it. */
struct placed {
	const struct module *module;
	uint64_t start, end; /* in the document */
};

struct space {
	struct placed *placed;
	size_t count, room;
	uint64_t top;        /* above all that is placed */
	struct table known;  /* address of the module to index + 1 */
};

/** Whether two modules are the same file, so that their addresses mean the same. */
static bool is_same_file(const struct module *a, const struct module *b)
{
	return a->build_id_size == b->build_id_size && !memcmp(a->build_id, b->build_id, a->build_id_size) &&
	       a->end - a->start == b->end - b->start && a->bias - a->start == b->bias - b->start && !strcmp(a->path, b->path);
}

static bool is_free(const struct space *space, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < space->count; i++) {
		if (start < space->placed[i].end && space->placed[i].start < end)
			return false;
	}
	return true;
}

/** Find a module's place, or give it one. @return index */
static uint32_t place(struct space *space, const struct module *module)
{
	const uint64_t gap = 1 << 20;
	struct placed placed = { module, module->start, module->end };

	for (size_t i = 0; i < space->count; i++) {
		if (is_same_file(space->placed[i].module, module))
			return (uint32_t)i;
	}
	if (!is_free(space, placed.start, placed.end)) {
		placed.start = (space->top + gap) & ~(gap - 1);
		placed.end = placed.start + (module->end - module->start);
	}
	if (placed.end > space->top)
		space->top = placed.end;
	space->placed = memory_grow(space->placed, space->count, &space->room, sizeof(*space->placed));
	space->placed[space->count] = placed;
	return (uint32_t)space->count++;
}

/** An address as the document has it. */
static uint64_t translate(struct space *space, const struct module *module, uint64_t address)
{
	uint32_t *index;
	bool fresh;

	if (!module)
		return address;
	index = table_at(&space->known, (uintptr_t)module, 0, &fresh);
	if (fresh)
		*index = place(space, module);
	return address - module->start + space->placed[*index].start;
}

/** The leaf is taken as it is, the others as return addresses: a caller that becomes the leaf has to point into its call. */
static void put_backtrace(FILE *out, struct space *space, const struct model *model, const struct backtrace *backtrace,
			  bool keep_allocator)
{
	uint64_t entry = keep_allocator || !backtrace->depth ? model->entries[backtrace->entry] : 0;

	fprintf(out, "%" PRIu64 ": %" PRIu64 " [%" PRIu64 ": %" PRIu64 "] @", backtrace->live_blocks, backtrace->live_bytes,
		backtrace->total_blocks, backtrace->total_bytes);
	if (entry || !backtrace->depth)
		fprintf(out, " 0x%" PRIx64, translate(space, model_self(model), entry));
	for (unsigned i = 0; i < backtrace->depth; i++) {
		const struct frame *frame = backtrace->frames[i];
		uint64_t address = translate(space, frame->module, frame->address);

		fprintf(out, " 0x%" PRIx64, address - (!entry && i == 0));
	}
	fputc('\n', out);
}

static void put_model(FILE *out, struct space *space, const struct model *model, bool keep_allocator)
{
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (!model->backtraces[i].ignored)
			put_backtrace(out, space, model, &model->backtraces[i], keep_allocator);
	}
}

/** A path in a line: nothing may end it. */
static void put_path(FILE *out, const char *path)
{
	for (; *path; path++)
		fputc(*path == '\n' ? '?' : *path, out);
	fputc('\n', out);
}

static void put_placed(FILE *out, const struct placed *placed)
{
	const struct module *module = placed->module;
	uint64_t moved = placed->start - module->start;
	bool any = false;

	for (uint32_t i = 0; i < module->phdr_count; i++) {
		struct mapping range = module_mapping(module, module->bias + module->phdrs[i].vaddr);

		if (!(module->phdrs[i].flags & PF_X))
			continue;
		fprintf(out, "%08" PRIx64 "-%08" PRIx64 " r-xp %08" PRIx64 " 00:00 0 ", range.start + moved, range.limit + moved,
			range.offset);
		put_path(out, module->path);
		any = true;
	}
	if (any)
		return;
	fprintf(out, "%08" PRIx64 "-%08" PRIx64 " r-xp 00000000 00:00 0 ", placed->start, placed->end);
	put_path(out, module->path);
}

static void put_head(FILE *out, const struct figures *figures)
{
	fprintf(out, "heap profile: %" PRIu64 ": %" PRIu64 " [%" PRIu64 ": %" PRIu64 "] @ heap_v2/1\n",
		figures->totals.live_blocks, figures->totals.live_bytes, figures->totals.allocations,
		figures->totals.allocated_bytes);
}

/** The figures of all processes together; marks what the rules ignore. */
static struct figures sum_up(struct model **models, size_t count, const struct options *options)
{
	struct figures all = { 0 }, figures;

	for (size_t i = 0; i < count; i++) {
		rules_free(figures_make(&figures, models[i], options));
		all.totals.live_blocks += figures.totals.live_blocks;
		all.totals.live_bytes += figures.totals.live_bytes;
		all.totals.allocations += figures.totals.allocations;
		all.totals.allocated_bytes += figures.totals.allocated_bytes;
	}
	return all;
}

int report_heap_v2(FILE *out, struct model **models, size_t count, const struct options *options)
{
	struct figures figures = sum_up(models, count, options);
	struct space space = { 0 };

	put_head(out, &figures);
	for (size_t i = 0; i < count; i++)
		put_model(out, &space, models[i], options->keep_allocator);
	fputs("\nMAPPED_LIBRARIES:\n", out);
	for (size_t i = 0; i < space.count; i++)
		put_placed(out, &space.placed[i]);
	free(space.placed);
	table_free(&space.known);
	return fflush(out) || ferror(out) ? -1 : 0;
}
