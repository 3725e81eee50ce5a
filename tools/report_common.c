// SPDX-License-Identifier: MIT

/* What the report formats share: see report_common.h. */

#include "report_common.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocators.h"
#include "filter.h"
#include "fold.h"
#include "memory.h"
#include "symbols.h"

const char *entry_name(enum ht_entry entry)
{
	static const char *const names[] = {
#define X(id, name) [HT_ENTRY_##id] = name,
		HT_ENTRIES(X)
#undef X
	};

	return entry < HT_ENTRY_COUNT ? names[entry] : "?";
}

const char *module_name(const struct module *module)
{
	return module->flags & HT_MODULE_VDSO ? "[vdso]" : *module->path ? module->path : "[anon]";
}

char *frame_place(const struct frame *frame, bool base_name_only)
{
	const struct module *module = frame->module;
	const char *path, *slash;

	if (!module)
		return memory_copy_string("[anon]");
	path = module_name(module);
	slash = base_name_only ? strrchr(path, '/') : NULL;
	if (slash && slash[1])
		path = slash + 1;
	return memory_format("%s (+0x%" PRIx64 ")", path, frame->address - module->bias);
}

static uint64_t less(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

/** Take an ignored backtrace out of the totals. What was left of the peaks is the rest's share at the whole's peak. */
static void leave_out(struct figures *figures, const struct backtrace *backtrace)
{
	struct totals *totals = &figures->totals;
	struct left_out *left_out = backtrace->filtered ? &figures->filtered : &figures->ignored;

	left_out->backtraces++;
	left_out->blocks += backtrace->live_blocks;
	left_out->bytes += backtrace->live_bytes;
	totals->allocations = less(totals->allocations, backtrace->total_blocks);
	totals->allocated_bytes = less(totals->allocated_bytes, backtrace->total_bytes);
	totals->frees = less(totals->frees, backtrace->freed_blocks);
	totals->freed_bytes = less(totals->freed_bytes, backtrace->freed_bytes);
	totals->live_blocks = less(totals->live_blocks, backtrace->live_blocks);
	totals->live_bytes = less(totals->live_bytes, backtrace->live_bytes);
	totals->peak_blocks = less(totals->peak_blocks, backtrace->at_peak_blocks);
	totals->peak_bytes = less(totals->peak_bytes, backtrace->at_peak_bytes);
}

struct rules *figures_make(struct figures *figures, struct model *model, const struct options *options)
{
	struct rules *rules = NULL;
	struct error error;

	if (options->ignore) {
		rules = rules_read(options->ignore, &error);
		if (!rules)
			fprintf(stderr, "heaptrace: %s; nothing was ignored\n", error.text);
	}
	allocators_use(&options->wrappers);
	fold_recursion(model, options);
	filter_undo(model);
	if (rules) {
		symbols_name_all(model, options);
		rules_apply(rules, model);
	}
	filter_apply(model, options);
	*figures = (struct figures) { .totals = model->totals };
	for (size_t i = 0; i < model->backtrace_count; i++) {
		if (model->backtraces[i].ignored)
			leave_out(figures, &model->backtraces[i]);
		else
			figures->backtraces += model->backtraces[i].live_blocks > 0;
	}
	if (figures->totals.peak_bytes < figures->totals.live_bytes)
		figures->totals.peak_bytes = figures->totals.live_bytes;
	if (figures->totals.peak_blocks < figures->totals.live_blocks)
		figures->totals.peak_blocks = figures->totals.live_blocks;
	return rules;
}

uint64_t backtrace_age(const struct model *model, const struct backtrace *backtrace)
{
	return model->now_ns > backtrace->first_ns ? model->now_ns - backtrace->first_ns : 0;
}

uint64_t backtrace_metric_bytes(const struct backtrace *backtrace, enum flame_metric metric)
{
	switch (metric) {
	case METRIC_AT_PEAK:
		return backtrace->at_peak_bytes;
	case METRIC_TOTAL:
		return backtrace->total_bytes;
	default:
		return backtrace->live_bytes;
	}
}

uint64_t backtrace_metric_blocks(const struct backtrace *backtrace, enum flame_metric metric)
{
	switch (metric) {
	case METRIC_AT_PEAK:
		return backtrace->at_peak_blocks;
	case METRIC_TOTAL:
		return backtrace->total_blocks;
	default:
		return backtrace->live_blocks;
	}
}

const struct module *model_self(const struct model *model)
{
	for (size_t i = 0; i < model->module_count; i++) {
		if (model->modules[i].flags & HT_MODULE_SELF)
			return &model->modules[i];
	}
	return NULL;
}

static int reason_order(const void *a, const void *b)
{
	return strcmp(((const struct untraced *)a)->reason, ((const struct untraced *)b)->reason);
}

static void put_untraced(FILE *out, const struct untraced *child, size_t count)
{
	if (count > 1)
		fprintf(out, "[heaptrace] not seen: %zu children: %s\n", count, child->reason);
	else if (child->pid)
		fprintf(out, "[heaptrace] not seen: child %d: %s\n", child->pid, child->reason);
	else
		fprintf(out, "[heaptrace] not seen: a child: %s\n", child->reason);
}

void report_untraced(FILE *out, const struct host_facts *host)
{
	size_t count = host->untraced_count, next;
	struct untraced *sorted = memory_zeroed(count + 1, sizeof(*sorted));

	if (count)
		memcpy(sorted, host->untraced, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), reason_order);
	for (size_t i = 0; i < count; i = next) {
		for (next = i + 1; next < count && !reason_order(&sorted[i], &sorted[next]);)
			next++;
		put_untraced(out, &sorted[i], next - i);
	}
	free(sorted);
}
