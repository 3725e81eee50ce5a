// SPDX-License-Identifier: MIT

/* Limits that a run is held to: see gate.h. */

#include "gate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "command.h"
#include "diff.h"
#include "memory.h"
#include "report_common.h"
#include "report_stack.h"
#include "snapshot_internal.h"
#include "symbols.h"
#include "units.h"

#define BLAMED_FUNCTIONS 3 /* of the backtrace, from the innermost */

static bool has_limits(const struct options *options)
{
	return options->max_live != NO_LIMIT || options->max_peak != NO_LIMIT || options->max_allocs != NO_LIMIT ||
	       options->fail_on_live || options->growth_base;
}

static int check_rules(const struct options *options, struct error *error)
{
	struct rules *rules = options->ignore ? rules_read(options->ignore, error) : NULL;

	if (options->ignore && !rules)
		return -1;
	rules_free(rules);
	return 0;
}

int gate_prepare(struct options *options, struct error *error)
{
	struct models base;

	if (options->max_growth && !options->growth_base)
		return error_set(error, "--max-growth says how much is allowed over a base; name it: "
				 "--max-growth-over=BASE.htrace");
	if (!has_limits(options))
		return 0;
	if (check_rules(options, error))
		return -1;
	if (options->growth_base) {
		if (models_read(&base, options->growth_base, error))
			return -1;
		models_free(&base);
	}
	options->gate = mmap(NULL, sizeof(*options->gate), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (options->gate != MAP_FAILED)
		return 0;
	options->gate = NULL;
	return error_set(error, "no memory for the limits: %s; close something", strerror(errno));
}

static void count(uint32_t *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELEASE);
}

/** One process being checked. */
struct check {
	const struct options *options;
	struct model *model;
	struct figures figures;
};

/** "leak_a (leak.c:6) < main (leak.c:13)": the innermost functions above the allocator. */
static char *describe(const struct check *check, struct model *model, const struct backtrace *backtrace)
{
	struct stack_lines stack = { 0 };
	char *text;

	symbols_name(model, backtrace->frames, backtrace->depth, check->options);
	stack_lines_make(&stack, model, backtrace, false);
	text = stack_lines_describe(&stack, 0, BLAMED_FUNCTIONS);
	free(stack.lines);
	return text;
}

/** The backtrace with the most; among equals the first. */
static const struct backtrace *find_worst(const struct model *model, uint64_t (*value)(const struct backtrace *))
{
	const struct backtrace *worst = NULL;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		if (!backtrace->ignored && value(backtrace) && (!worst || value(backtrace) > value(worst)))
			worst = backtrace;
	}
	return worst;
}

static uint64_t live_of(const struct backtrace *backtrace)
{
	return backtrace->live_blocks ? backtrace->live_bytes + 1 : 0; /* blocks of no bytes are live too */
}

static uint64_t at_peak_of(const struct backtrace *backtrace)
{
	return backtrace->at_peak_bytes;
}

static uint64_t total_of(const struct backtrace *backtrace)
{
	return backtrace->total_blocks;
}

/** "[heaptrace] limit exceeded: NAME (pid N): WHAT; most of it, SHARE, from PLACE" */
__attribute__((format(printf, 4, 5)))
static void blame(const struct check *check, struct model *model, const struct backtrace *backtrace, const char *format, ...)
{
	char what[256];
	char *place = backtrace ? describe(check, model, backtrace) : NULL;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	fprintf(stderr, "[heaptrace] limit exceeded: %s (pid %d): %s%s%s\n", check->model->name, check->model->pid, what,
		place ? " from " : "", place ? place : "");
	free(place);
	count(&check->options->gate->exceeded);
}

static void blame_live(const struct check *check)
{
	const struct totals *totals = &check->figures.totals;
	const struct backtrace *worst = find_worst(check->model, live_of);
	uint64_t blocks = worst ? worst->live_blocks : 0, bytes = worst ? worst->live_bytes : 0;

	if (check->options->max_live != NO_LIMIT && totals->live_bytes > check->options->max_live)
		blame(check, check->model, worst, "%s live, --max-live allows %s; %s in %" PRIu64 " blocks",
		      units_bytes(totals->live_bytes).text, units_bytes(check->options->max_live).text,
		      units_bytes(bytes).text, blocks);
	if (check->options->fail_on_live && totals->live_blocks)
		blame(check, check->model, worst, "%" PRIu64 " blocks of %s live, --fail-on-live allows none; %s in %" PRIu64
		      " blocks", totals->live_blocks, units_bytes(totals->live_bytes).text, units_bytes(bytes).text, blocks);
}

static bool exceeds_live(const struct check *check)
{
	const struct totals *totals = &check->figures.totals;

	return totals->live_bytes > check->options->max_live || (check->options->fail_on_live && totals->live_blocks);
}

/** Leave out what runtimes keep. That needs all names, so it is only done where it can matter. */
static void forgive_known(struct check *check)
{
	struct model *model = check->model;
	struct totals *totals = &check->figures.totals;
	struct rules *known = rules_known();
	bool *before = memory_zeroed(model->backtrace_count, sizeof(*before));

	for (size_t i = 0; i < model->backtrace_count; i++)
		before[i] = model->backtraces[i].ignored;
	symbols_name_all(model, check->options);
	rules_apply_suppressions(known, model);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		if (before[i] || !backtrace->ignored)
			continue;
		totals->live_blocks -= backtrace->live_blocks;
		totals->live_bytes -= backtrace->live_bytes;
		__atomic_add_fetch(&check->options->gate->known_blocks, backtrace->live_blocks, __ATOMIC_RELEASE);
		__atomic_add_fetch(&check->options->gate->known_bytes, backtrace->live_bytes, __ATOMIC_RELEASE);
	}
	free(before);
	rules_free(known);
}

static void check_live(struct check *check)
{
	if (exceeds_live(check) && !check->options->count_known)
		forgive_known(check);
	if (exceeds_live(check))
		blame_live(check);
}

static void check_peak(const struct check *check)
{
	const struct totals *totals = &check->figures.totals;
	const struct backtrace *worst;

	if (check->options->max_peak == NO_LIMIT || totals->peak_bytes <= check->options->max_peak)
		return;
	worst = find_worst(check->model, at_peak_of);
	blame(check, check->model, worst, "a peak of %s, --max-peak allows %s; %s then", units_bytes(totals->peak_bytes).text,
	      units_bytes(check->options->max_peak).text, units_bytes(worst ? worst->at_peak_bytes : 0).text);
}

static void check_allocs(const struct check *check)
{
	const struct totals *totals = &check->figures.totals;
	const struct backtrace *worst;

	if (check->options->max_allocs == NO_LIMIT || totals->allocations <= check->options->max_allocs)
		return;
	worst = find_worst(check->model, total_of);
	blame(check, check->model, worst, "%" PRIu64 " allocations, --max-allocs allows %" PRIu64 "; %" PRIu64,
	      totals->allocations, check->options->max_allocs, worst ? worst->total_blocks : 0);
}

/** The process of the same program in the base that has most live; NULL if there is none. */
static struct model *find_base(const struct check *check, const struct models *base)
{
	struct model *found = NULL;

	for (size_t i = 0; i < base->count; i++) {
		struct model *model = base->models[i];

		if (!strcmp(model->name, check->model->name) &&
		    (!found || model->totals.live_bytes > found->totals.live_bytes))
			found = model;
	}
	return found;
}

static void compare(const struct check *check, struct model *base)
{
	struct options live = *check->options;
	struct model *both[] = { base, check->model };
	struct diff_file files[] = {
		{ .path = check->options->growth_base, .models = { &both[0], 1 }, .time = 0 },
		{ .path = check->model->name, .models = { &both[1], 1 }, .time = 1 },
	};
	struct diff diff = { .files = files, .file_count = 2, .options = &live };
	struct figures figures;
	const struct diff_row *worst;

	live.metric = METRIC_LIVE;
	rules_free(figures_make(&figures, base, &live));
	count(&check->options->gate->compared);
	diff_make(&diff);
	worst = diff.row_count && diff.rows[0].growth_bytes > 0 ? &diff.rows[0] : NULL;
	if (files[1].bytes > files[0].bytes && files[1].bytes - files[0].bytes > check->options->max_growth)
		blame(check, worst ? (struct model *)worst->model : NULL, worst ? worst->backtrace : NULL,
		      "%s live, %s more than in the base, --max-growth allows %s; %s more in %+" PRId64 " blocks",
		      units_bytes(files[1].bytes).text, units_bytes(files[1].bytes - files[0].bytes).text,
		      units_bytes(check->options->max_growth).text,
		      units_bytes(worst ? (uint64_t)worst->growth_bytes : 0).text, worst ? worst->growth_blocks : 0);
	diff_free(&diff);
}

static void check_growth(const struct check *check)
{
	struct models base;
	struct error error;
	struct model *found;

	if (!check->options->growth_base)
		return;
	if (models_read(&base, check->options->growth_base, &error)) {
		fprintf(stderr, "[heaptrace] --max-growth-over: %s\n", error.text);
		count(&check->options->gate->failed);
		return;
	}
	found = find_base(check, &base);
	if (found)
		compare(check, found);
	models_free(&base);
}

void gate_check(const struct options *options, struct model *model)
{
	struct check check = { .options = options, .model = model };
	bool replaced = strcmp(model->host.how_it_ended, "exec") == 0; /* what was live then is gone with the program */

	if (!options->gate)
		return;
	rules_free(figures_make(&check.figures, model, options));
	check_peak(&check);
	check_allocs(&check);
	if (!replaced) {
		check_growth(&check); /* before what is known is left out: the base has it too */
		check_live(&check);
	}
	count(&options->gate->checked);
}

int gate_verdict(const struct options *options)
{
	const struct gate *gate = options->gate;

	if (!gate)
		return 0;
	if (gate->known_blocks && !options->quiet)
		fprintf(stderr, "[heaptrace] not counted as live: %s in %" PRIu64 " blocks that runtimes keep (--count-known)\n",
			units_bytes(gate->known_bytes).text, gate->known_blocks);
	if (!gate->checked) {
		fputs("[heaptrace] limits could not be checked: nothing was traced\n", stderr);
		return EXIT_LIMIT;
	}
	if (options->growth_base && !gate->compared && !gate->failed) {
		fprintf(stderr, "[heaptrace] growth could not be checked: no program of this run is in %s; make it of the same "
			"command with --save\n", options->growth_base);
		return EXIT_LIMIT;
	}
	return gate->exceeded || gate->failed ? EXIT_LIMIT : 0;
}
