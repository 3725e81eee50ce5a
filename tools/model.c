// SPDX-License-Identifier: MIT

/*
 * The model of one process: cells of all threads summed up per trace, traces with the same frames added up, and the
 * figures that must agree made to agree (live is never negative, a peak is never below what is live).
 *
 * While a process runs, a copy can be of slightly different moments: a block's free counted, its allocation by another
 * thread not yet. That is no corruption; once the process has ended it is, and counted.
 */

#include "churn.h"
#include "model_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_facts.h"

/** Sums of a trace over all threads; the note of a trace. */
struct sums {
	uint64_t allocated_blocks, allocated_bytes;
	uint64_t freed_blocks, freed_bytes;
	uint32_t backtrace;       /* its number + 1, 0: none */
};

struct builder {
	const struct snapshot *snapshot;
	const struct ht_process *record;
	struct model *model;
	bool settled;             /* the process has ended: its figures must agree */
	struct items traces;      /* note: struct sums */
	struct chains chains;
	struct table backtraces;  /* (chain, entry and truncated) to number + 1 */
	uint32_t *chain_of;       /* chain of each backtrace */
	size_t room, chain_room;
};

static void add_cell(struct builder *builder, uint32_t number, const struct ht_cell *cell)
{
	const struct ht_trace *trace;
	struct sums *sums;
	void *note;

	if (!(cell->allocated.blocks | cell->allocated.bytes | cell->freed.blocks | cell->freed.bytes))
		return;
	trace = items_find(&builder->traces, number, &note);
	if (!trace || !(trace->flags & HT_TRACE_VALID)) {
		builder->model->corrupt_records++;
		return;
	}
	sums = note;
	sums->allocated_blocks += cell->allocated.blocks;
	sums->allocated_bytes += cell->allocated.bytes;
	sums->freed_blocks += cell->freed.blocks;
	sums->freed_bytes += cell->freed.bytes;
}

static void add_cells(struct builder *builder, const struct chunk *chunk)
{
	const struct ht_cells *cells = (const struct ht_cells *)chunk->data;
	uint64_t blocks = chunk->size / 1024;

	for (uint64_t j = 1; j < HT_CHUNK_BLOCKS && j < blocks; j++) {
		uint32_t base = cells->base[j];

		if (!base)
			continue;
		if ((base - 1) % HT_BLOCK_CELLS || base > HT_MAX_TRACES) {
			builder->model->corrupt_records++;
			continue;
		}
		for (uint32_t i = 0; i < HT_BLOCK_CELLS; i++)
			add_cell(builder, base - 1 + i, &cells->cells[(j - 1) * HT_BLOCK_CELLS + i]);
	}
}

static void sum_cells(struct builder *builder)
{
	size_t count;
	const struct chunk *chunks = snapshot_chunks(builder->snapshot, builder->model->number, &count);

	for (size_t i = 0; i < count; i++) {
		if (chunks[i].kind == HT_CHUNK_CELLS)
			add_cells(builder, &chunks[i]);
	}
}

/** What is live of one figure: never negative. */
static uint64_t difference(struct builder *builder, uint64_t allocated, uint64_t freed)
{
	if ((int64_t)(allocated - freed) >= 0)
		return allocated - freed;
	builder->model->corrupt_records += builder->settled;
	return 0;
}

/** A peak lies between what is live and what was ever allocated. */
static uint64_t fit(uint64_t value, uint64_t live, uint64_t total)
{
	if (value > total)
		value = total;
	return value < live ? live : value;
}

/** What was live of a trace when the whole heap was at its peak: see struct ht_process. */
static void add_at_peak(struct builder *builder, struct backtrace *to, const struct ht_trace *trace,
			const struct ht_pair *live, const struct sums *sums)
{
	const struct ht_process *record = builder->record;

	if (record->peak_pending || trace->generation != record->generation) {
		to->at_peak_blocks += live->blocks;
		to->at_peak_bytes += live->bytes;
		return;
	}
	to->at_peak_blocks += fit(trace->at_peak_blocks, 0, sums->allocated_blocks);
	to->at_peak_bytes += fit(trace->at_peak_bytes, 0, sums->allocated_bytes);
}

static struct backtrace *backtrace_of(struct builder *builder, const struct ht_trace *trace, uint32_t chain)
{
	const struct chain *links = &builder->chains.chains[chain];
	bool truncated = (trace->flags & HT_TRACE_TRUNCATED) || links->broken || links->depth > HT_MAX_DEPTH;
	struct model *model = builder->model;
	bool fresh;
	uint32_t *number = table_at(&builder->backtraces, chain, (uint64_t)trace->thread << 8 | (uint64_t)trace->entry << 1 | truncated,
				    &fresh);

	if (!fresh)
		return &model->backtraces[*number - 1];
	builder->chain_of = memory_grow(builder->chain_of, model->backtrace_count, &builder->chain_room, sizeof(uint32_t));
	builder->chain_of[model->backtrace_count] = chain;
	model->backtraces = memory_grow(model->backtraces, model->backtrace_count, &builder->room,
					sizeof(*model->backtraces));
	model->backtraces[model->backtrace_count] = (struct backtrace) {
		.entry = trace->entry, .truncated = truncated, .first_ns = UINT64_MAX,
		.thread = thread_of(model, trace->thread),
	};
	*number = (uint32_t)++model->backtrace_count;
	return &model->backtraces[*number - 1];
}

static void add_figures(struct builder *builder, struct backtrace *to, const struct ht_trace *trace,
			const struct sums *sums)
{
	struct ht_pair live = {
		difference(builder, sums->allocated_blocks, sums->freed_blocks),
		difference(builder, sums->allocated_bytes, sums->freed_bytes),
	};
	uint64_t last_ns = (uint64_t)trace->last_tick << HT_TICK_SHIFT;

	to->live_blocks += live.blocks;
	to->live_bytes += live.bytes;
	to->total_blocks += sums->allocated_blocks;
	to->total_bytes += sums->allocated_bytes;
	to->freed_blocks += sums->freed_blocks;
	to->freed_bytes += sums->freed_bytes;
	to->peak_blocks += fit(trace->peak_blocks, live.blocks, sums->allocated_blocks);
	to->peak_bytes += fit(trace->peak_bytes, live.bytes, sums->allocated_bytes);
	add_at_peak(builder, to, trace, &live, sums);
	if (trace->first_ns < to->first_ns)
		to->first_ns = trace->first_ns;
	if (last_ns > to->last_ns)
		to->last_ns = last_ns;
}

static void add_trace(struct builder *builder, const struct ht_trace *trace, struct sums *sums)
{
	struct backtrace *backtrace;
	uint32_t chain;

	if (!(trace->flags & HT_TRACE_VALID) || !(sums->allocated_blocks | sums->freed_blocks))
		return;
	if (trace->entry >= HT_ENTRY_COUNT) {
		builder->model->corrupt_records++;
		return;
	}
	chain = chains_of(&builder->chains, trace->node);
	if (builder->chains.chains[chain].broken || builder->chains.chains[chain].depth > HT_MAX_DEPTH)
		builder->model->corrupt_records++;
	backtrace = backtrace_of(builder, trace, chain);
	sums->backtrace = (uint32_t)(backtrace - builder->model->backtraces) + 1;
	add_figures(builder, backtrace, trace, sums);
}

static void add_traces(struct builder *builder)
{
	for (size_t i = 0; i < builder->traces.count; i++) {
		const struct item_run *run = &builder->traces.runs[i];

		for (uint32_t j = builder->traces.skipped; j < run->end - run->first; j++) {
			/* Those from before a reset do not count; a fork child has none of its parent's. */
			if (run->first + j < builder->record->first_trace)
				continue;
			add_trace(builder, (const struct ht_trace *)run->data + j, (struct sums *)run->notes + j);
		}
	}
}

/** Write out the frames of each backtrace; all pointers go into one block. */
static void link_frames(struct builder *builder)
{
	const struct chain *chains = builder->chains.chains;
	struct model *model = builder->model;
	size_t all = 0;
	struct frame **next;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		unsigned depth = chains[builder->chain_of[i]].depth;

		model->backtraces[i].depth = depth > HT_MAX_DEPTH ? HT_MAX_DEPTH : depth;
		all += model->backtraces[i].depth;
	}
	model->frame_links = next = memory_zeroed(all, sizeof(*next));
	for (size_t i = 0; i < model->backtrace_count; i++) {
		uint32_t chain = builder->chain_of[i];

		model->backtraces[i].frames = next;
		for (unsigned j = 0; j < model->backtraces[i].depth; j++, chain = chains[chain].parent)
			*next++ = &model->frames[chains[chain].frame];
	}
}

static void set_command(struct model *model, const struct snapshot *snapshot)
{
	uint32_t owner;
	const struct chunk *chunk = snapshot_command(snapshot, model->number, &owner);
	const struct ht_command *command = chunk ? (const struct ht_command *)chunk->data : NULL;
	const char *next = command ? command->strings : "?";

	model->command_count = command ? command->count : 1;
	model->command = memory_zeroed(model->command_count + 1, sizeof(*model->command));
	for (size_t i = 0; i < model->command_count; i++, next += strlen(next) + 1)
		model->command[i] = memory_copy_string(next);
}

/** The program's base name: of argv[0] (without a login shell's dash), else of the executable. */
static void set_name(struct model *model)
{
	const char *name = model->command[0], *slash;

	for (size_t i = 0; (!*name || !strcmp(name, "?")) && i < model->module_count; i++) {
		if (model->modules[i].flags & HT_MODULE_MAIN)
			name = model->modules[i].path;
	}
	slash = strrchr(name, '/');
	if (slash && slash[1])
		name = slash + 1;
	if (*name == '-' && name[1])
		name++;
	model->name = memory_copy_string(*name ? name : "?");
}

static void set_host(struct model *model, const struct snapshot *snapshot, const struct host_facts *host)
{
	size_t count;
	const struct chunk *chunks = snapshot_chunks(snapshot, model->number, &count);

	if (host) {
		host_facts_copy(&model->host, host);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct chunk *chunk = &chunks[i];
		uint64_t room = chunk->size - sizeof(struct ht_chunk);

		if (chunk->kind != HT_CHUNK_HOST)
			continue;
		if (chunk->first > room)
			model->corrupt_records++;
		host_facts_free(&model->host);
		model->corrupt_records += host_facts_read(&model->host, (char *)chunk->data + sizeof(struct ht_chunk),
							  chunk->first < room ? chunk->first : room);
	}
}

/** What the library itself knows of the end, where no collector was there to see it. */
static void guess_end(struct model *model, const struct ht_process *record)
{
	struct host_facts *host = &model->host;

	if (!host->how_it_ended[0] && record->flags & HT_PROCESS_EXIT_NOTED)
		snprintf(host->how_it_ended, sizeof(host->how_it_ended), "exit:%d", record->exit_status & 0xff);
}

static void set_process(struct model *model, const struct ht_process *record)
{
	model->parent = record->parent;
	model->pid = model->host.pid ? model->host.pid : (int)(record->pid & INT32_MAX);
	model->ppid = model->host.ppid ? model->host.ppid : (int)(record->ppid & INT32_MAX);
	model->process_flags = record->flags;
	model->start_ns = record->start_ns;
	model->reset_ns = record->reset_ns;
	model->nested_allocations = record->nested_allocations;
	model->inherited_frees = record->inherited_frees;
	model->table_full = record->table_full;
	if (record->allocator_ns && record->flags & HT_PROCESS_GLIBC_MALLOC) {
		model->allocator_ns = record->allocator_ns;
		model->allocator_arena = record->allocator_arena;
		model->allocator_hblkhd = record->allocator_hblkhd;
		model->allocator_uordblks = record->allocator_uordblks;
	}
	memcpy(model->entries, record->entries, sizeof(model->entries));
	guess_end(model, record);
}

/** The moment of the figures. Without a collector it is the last tick, or the last thing seen if that was later. */
static void set_times(struct builder *builder)
{
	struct model *model = builder->model;
	uint64_t latest = model->start_ns, tick = builder->snapshot->header.tick;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		struct backtrace *backtrace = &model->backtraces[i];

		if (backtrace->last_ns < backtrace->first_ns)
			backtrace->last_ns = backtrace->first_ns;
		if (backtrace->last_ns > latest)
			latest = backtrace->last_ns;
	}
	model->now_ns = model->host.end_ns ? model->host.end_ns : model->host.taken_ns;
	if (model->now_ns)
		return;
	model->now_ns = tick << HT_TICK_SHIFT;
	if (model->now_ns < latest)
		model->now_ns = latest;
}

static void set_totals(struct builder *builder)
{
	struct totals *totals = &builder->model->totals;
	const struct ht_process *record = builder->record;

	for (size_t i = 0; i < builder->model->backtrace_count; i++) {
		const struct backtrace *backtrace = &builder->model->backtraces[i];

		totals->allocations += backtrace->total_blocks;
		totals->allocated_bytes += backtrace->total_bytes;
		totals->frees += backtrace->freed_blocks;
		totals->freed_bytes += backtrace->freed_bytes;
		totals->live_blocks += backtrace->live_blocks;
		totals->live_bytes += backtrace->live_bytes;
	}
	totals->peak_bytes = fit(record->peak_bytes, totals->live_bytes, totals->allocated_bytes);
	totals->peak_blocks = fit(record->peak_blocks, totals->live_blocks, totals->allocations);
	/* To a tick, which may have begun before the process did. */
	totals->peak_ns = record->peak_ns > record->start_ns ? record->peak_ns : record->start_ns;
}

static uint64_t peak_bound(const struct ht_process *record, uint8_t shift)
{
	if (!(record->flags & HT_PROCESS_THREADED) || !shift || shift > 31)
		return 0;
	return (uint64_t)record->threads << shift;
}

static uint32_t number_of_backtrace(void *data, uint32_t trace)
{
	struct builder *builder = data;
	void *note;

	if (!items_find(&builder->traces, trace, &note))
		return UINT32_MAX;
	return ((const struct sums *)note)->backtrace - 1; /* of none: UINT32_MAX */
}

static void set_past(struct builder *builder, const struct host_facts *host)
{
	struct past past = {
		.snapshot = builder->snapshot,
		.host = host,
		.reset_ns = builder->record->reset_ns,
		.backtrace_of = number_of_backtrace,
		.builder = builder,
	};

	builder->model->corrupt_records += churn_read(builder->model, &past);
	model_set_history(builder->model, &past);
}

static void build(struct builder *builder, const struct host_facts *host)
{
	struct model *model = builder->model;
	const struct snapshot *snapshot = builder->snapshot;

	model->corrupt_records += modules_read(model, snapshot);
	model->corrupt_records += threads_read(model, snapshot);
	model->corrupt_records += chains_read(&builder->chains, model, snapshot, model->number);
	model->corrupt_records += items_collect(&builder->traces, snapshot, model->number, HT_CHUNK_TRACES,
						sizeof(struct ht_trace), sizeof(struct sums), HT_MAX_TRACES);
	sum_cells(builder);
	add_traces(builder);
	link_frames(builder);
	set_totals(builder);
	set_times(builder);
	set_past(builder, host);
	model->peak_bound_bytes = peak_bound(builder->record, builder->record->quantum_shift);
	model->peak_bound_blocks = peak_bound(builder->record, builder->record->block_shift);
	items_free(&builder->traces);
	chains_free(&builder->chains);
	table_free(&builder->backtraces);
	free(builder->chain_of);
}

struct model *snapshot_model(const struct snapshot *snapshot, uint32_t number, const struct host_facts *host,
			     struct error *error)
{
	const struct process *process = snapshot_find(snapshot, number);
	struct builder builder = { .snapshot = snapshot };
	struct model *model;

	if (!process) {
		error_set(error, "%s holds no process number %u", snapshot->name, number);
		return NULL;
	}
	builder.record = &process->record;
	builder.model = model = memory_zeroed(1, sizeof(*model));
	model->number = number;
	model->start_wall = snapshot->header.start_wall;
	model->option_flags = snapshot->header.flags;
	model->corrupt_records = snapshot->corrupt;
	set_host(model, snapshot, host);
	set_process(model, &process->record);
	builder.settled = model->host.how_it_ended[0] ? strcmp(model->host.how_it_ended, "running") != 0 :
							(process->record.flags & HT_PROCESS_FINISHED) != 0;
	build(&builder, host);
	set_command(model, snapshot);
	set_name(model);
	return model;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	for (size_t i = 0; i < model->module_count; i++) {
		free(model->modules[i].path);
		free(model->modules[i].phdrs);
	}
	for (size_t i = 0; i < model->frame_count; i++)
		free(model->frames[i].names);
	for (size_t i = 0; i < model->command_count; i++)
		free(model->command[i]);
	host_facts_free(&model->host);
	free(model->command);
	free(model->name);
	free(model->modules);
	free(model->frames);
	free(model->frame_links);
	free(model->folds);
	free(model->churns);
	free(model->threads);
	free(model->backtraces);
	model_free_history(model);
	free(model);
}
