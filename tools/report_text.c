// SPDX-License-Identifier: MIT

/*
 * The text report, in the layout of the original heaptrace: a section of backtraces for each sort key, then a summary.
 * Only the backtraces that are shown get names, unless rules have to look at all of them.
 */

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "churn.h"
#include "group.h"
#include "memory.h"
#include "report_common.h"
#include "symbols.h"
#include "units.h"

#define RULER "================================================================="
#define NARROWEST 40 /* columns; names are not shortened below what is left then */

/** One report being written. */
struct text {
	FILE *out;
	struct model *model;
	const struct options *options;
	const struct report_occasion *occasion;
	struct figures figures;
	struct rules *rules;
	bool fancy;           /* colours and per cent */
	unsigned columns;     /* of the terminal; 0: do not shorten */
};

/** The figure that a section is sorted by. Blocks of no bytes count too, so the number of blocks decides among equals. */
static uint64_t key_of(const struct model *model, const struct backtrace *backtrace, enum sort_key key)
{
	switch (key) {
	case SORT_COUNT:
		return backtrace->live_blocks;
	case SORT_PEAK:
		return backtrace->peak_bytes;
	case SORT_AT_PEAK:
		return backtrace->at_peak_bytes;
	case SORT_TOTAL:
		return backtrace->total_bytes;
	case SORT_ALLOCS:
		return backtrace->total_blocks;
	case SORT_AGE:
		return backtrace_age(model, backtrace);
	case SORT_TEMPORARY:
		return backtrace->churn ? backtrace->churn->temporary_blocks : 0;
	default:
		return backtrace->live_bytes;
	}
}

/** Whether a backtrace belongs in a section at all. */
static bool is_listed(const struct backtrace *backtrace, enum sort_key key)
{
	if (backtrace->ignored)
		return false;
	switch (key) {
	case SORT_PEAK:
		return backtrace->peak_blocks > 0;
	case SORT_AT_PEAK:
		return backtrace->at_peak_blocks > 0;
	case SORT_TOTAL:
	case SORT_ALLOCS:
		return backtrace->total_blocks > 0;
	case SORT_TEMPORARY:
		return backtrace->churn && backtrace->churn->temporary_blocks;
	default:
		return backtrace->live_blocks > 0;
	}
}

/** Whether a section shows what is not live any more. */
static bool shows_the_past(enum sort_key key)
{
	return key == SORT_PEAK || key == SORT_AT_PEAK || key == SORT_TOTAL || key == SORT_ALLOCS || key == SORT_TEMPORARY;
}

struct ranked {
	struct backtrace *backtrace;
	uint64_t key;
};

/** Biggest first; then more blocks, then the older one, so that the order never depends on anything else. */
static int rank_order(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;
	const struct backtrace *l = left->backtrace, *r = right->backtrace;

	if (left->key != right->key)
		return left->key > right->key ? -1 : 1;
	if (l->live_bytes != r->live_bytes)
		return l->live_bytes > r->live_bytes ? -1 : 1;
	if (l->live_blocks != r->live_blocks)
		return l->live_blocks > r->live_blocks ? -1 : 1;
	if (l->first_ns != r->first_ns)
		return l->first_ns < r->first_ns ? -1 : 1;
	return l < r ? -1 : l > r;
}

/** The backtraces of a section in order. @return an array to be freed; *count of what is to be shown */
static struct ranked *rank(const struct text *text, enum sort_key key, size_t *count)
{
	struct model *model = text->model;
	struct ranked *ranked = memory_zeroed(model->backtrace_count, sizeof(*ranked));
	size_t all = 0;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		struct backtrace *backtrace = &model->backtraces[i];

		if (is_listed(backtrace, key))
			ranked[all++] = (struct ranked) { backtrace, key_of(model, backtrace, key) };
	}
	qsort(ranked, all, sizeof(*ranked), rank_order);
	*count = text->options->top && text->options->top < all ? text->options->top : all;
	return ranked;
}

static void name_ranked(const struct text *text, const struct ranked *ranked, size_t count)
{
	struct frame **frames;
	size_t all = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		all += ranked[i].backtrace->depth;
	frames = memory_zeroed(all, sizeof(*frames));
	for (size_t i = 0; i < count; i++) {
		for (unsigned j = 0; j < ranked[i].backtrace->depth; j++)
			frames[at++] = ranked[i].backtrace->frames[j];
	}
	symbols_name(text->model, frames, all, text->options);
	free(frames);
}

static void put_bytes(const struct text *text, const char *from, const char *end)
{
	for (; from < end; from++)
		fputc((unsigned char)*from < ' ' || *from == 0x7f ? '?' : *from, text->out);
}

static bool is_inside_character(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/** Print a name, without control characters, its middle left out if the line would be longer than the terminal is wide. */
static void put_name(const struct text *text, const char *name, size_t taken)
{
	const char *end = name + strlen(name), *head, *tail;
	size_t length = (size_t)(end - name), room = NARROWEST;

	if (text->columns > taken + NARROWEST)
		room = text->columns - taken;
	if (!text->columns || length <= room) {
		put_bytes(text, name, end);
		return;
	}
	head = name + (room - 3) * 2 / 3;
	tail = end - (room - 3 - (size_t)(head - name));
	while (head > name && is_inside_character(*head))
		head--;
	while (tail < end && is_inside_character(*tail))
		tail++;
	put_bytes(text, name, head);
	fputs("...", text->out);
	put_bytes(text, tail, end);
}

static void put_address(const struct text *text, unsigned number, uint64_t address)
{
	char hex[24];

	snprintf(hex, sizeof(hex), "0x%" PRIx64, address);
	fprintf(text->out, text->fancy ? "%2u \033[2m[%14s]\033[0m " : "%2u [%14s] ", number, hex);
}

/** One line: "name +0x1c (file:line) [inlined]". */
static void put_named(const struct text *text, const struct frame *frame, const struct frame_name *name)
{
	char *tail = NULL, offset[24] = "", place[16] = "";
	int length;

	if (!name->inlined && name->offset != UNKNOWN_OFFSET)
		snprintf(offset, sizeof(offset), " +0x%" PRIx64, name->offset);
	if (name->file && name->line)
		snprintf(place, sizeof(place), ":%u", name->line);
	length = asprintf(&tail, "%s%s%s%s%s%s", offset, name->file ? " (" : "", name->file ? name->file : "", place,
			  name->file ? ")" : "", name->inlined ? " [inlined]" : "");
	put_name(text, name->function, 20 + (length > 0 ? (size_t)length : 0));
	if (length >= 0)
		fputs(tail, text->out);
	fputc('\n', text->out);
	free(tail);
}

static void put_frame(const struct text *text, unsigned number, const struct frame *frame)
{
	if (!frame->name_count || !frame->names[frame->name_count - 1].function) {
		char *place = frame_place(frame, false);

		put_address(text, number, frame->address);
		put_name(text, place, 20);
		if (frame->module && frame->module->remark)
			fprintf(text->out, " (%s)", frame->module->remark);
		fputc('\n', text->out);
		free(place);
		return;
	}
	for (unsigned i = 0; i < frame->name_count; i++) {
		put_address(text, number, frame->address);
		put_named(text, frame, &frame->names[i]);
	}
}

/** What the section is sorted by, where the line does not show it anyway. */
static void put_key(const struct text *text, const struct backtrace *backtrace, enum sort_key key)
{
	if (key == SORT_AT_PEAK)
		fprintf(text->out, " [at peak: %" PRIu64 "/%s]", backtrace->at_peak_blocks,
			units_bytes(backtrace->at_peak_bytes).text);
	if (key == SORT_TOTAL || key == SORT_ALLOCS)
		fprintf(text->out, " [total: %" PRIu64 "/%s]", backtrace->total_blocks,
			units_bytes(backtrace->total_bytes).text);
}

/** Which frames, that end with this one, the backtrace went through several times. */
static void put_folds(const struct text *text, const struct backtrace *backtrace, unsigned last)
{
	for (unsigned i = 0; i < backtrace->fold_count; i++) {
		const struct fold *fold = &text->model->folds[backtrace->folds + i];

		if (fold->at + fold->length != last + 1)
			continue;
		if (fold->length > 1)
			fprintf(text->out, "   [frames %u-%u x ", fold->at + 1u, last + 1);
		else
			fprintf(text->out, "   [frame %u x ", last + 1);
		if (fold->least < fold->most)
			fprintf(text->out, "%u to ", fold->least);
		fprintf(text->out, "%u]\n", fold->most);
	}
}

static void put_frames(const struct text *text, const struct backtrace *backtrace)
{
	put_address(text, 0, text->model->entries[backtrace->entry]);
	fprintf(text->out, "%s +0x0\n", entry_name(backtrace->entry));
	for (unsigned i = 0; i < backtrace->depth; i++) {
		put_frame(text, i + 1, backtrace->frames[i]);
		put_folds(text, backtrace, i);
	}
	if (backtrace->truncated)
		fputs("   [truncated]\n", text->out);
	fputc('\n', text->out);
}

void report_text_frames(FILE *out, const struct model *model, const struct backtrace *backtrace)
{
	struct text text = { .out = out, .model = (struct model *)model };

	put_frames(&text, backtrace);
}

static void put_backtrace(const struct text *text, size_t number, const struct backtrace *backtrace, enum sort_key key)
{
	const char *bold = text->fancy ? "\033[1m" : "", *plain = text->fancy ? "\033[0m" : "";

	fprintf(text->out, "%s=== backtrace #%zu ===%s [count/peak: %" PRIu64 "/%" PRIu64 "] [size/peak: %s", bold, number,
		plain, backtrace->live_blocks, backtrace->peak_blocks, units_bytes(backtrace->live_bytes).text);
	if (text->fancy)
		fprintf(text->out, " (%s)", units_share(backtrace->live_bytes, text->figures.totals.live_bytes).text);
	fprintf(text->out, "/%s] [age: %s]", units_bytes(backtrace->peak_bytes).text,
		units_age(key_of(text->model, backtrace, SORT_AGE)).text);
	put_key(text, backtrace, key);
	churn_tags(text->out, backtrace);
	if (backtrace->thread)
		fprintf(text->out, " [thread: %s %" PRIu32 "]", backtrace->thread->name, backtrace->thread->tid);
	if (backtrace->merged)
		fprintf(text->out, " [%u backtraces: peaks are at least these]", backtrace->merged + 1);
	fputc('\n', text->out);
	put_frames(text, backtrace);
}

static void put_section(const struct text *text, enum sort_key key)
{
	size_t count;
	struct ranked *ranked;

	if (text->options->group) {
		report_groups_text(text->out, text->model, text->options, key, text->fancy);
		return;
	}
	ranked = rank(text, key, &count);
	name_ranked(text, ranked, count);
	fprintf(text->out, "[heaptrace] dump allocation status for /proc/%d/maps (%s) sorted by %s\n", text->model->pid,
		text->model->name, sort_key_name(key));
	for (size_t i = 0; i < count; i++)
		put_backtrace(text, i + 1, ranked[i].backtrace, key);
	if (key == SORT_TEMPORARY && !(text->model->option_flags & HT_OPTION_CHURN))
		fputs("[heaptrace] temporary blocks were not counted: they are in runs with --churn\n", text->out);
	if (!count)
		fputc('\n', text->out);
	free(ranked);
}

/** How old a figure is, if it is not of the moment of the report. */
static void put_staleness(const struct text *text, uint64_t ns)
{
	uint64_t age = text->model->now_ns > ns ? text->model->now_ns - ns : 0;

	if (age >= 10000000)
		fprintf(text->out, " (%s before)", units_age(age).text);
	fputc('\n', text->out);
}

static void put_allocator(const struct text *text)
{
	const struct model *model = text->model;

	fputs("[heaptrace] allocator info (virtual)     : ", text->out);
	/* Taken by the library's finaliser they are of the end, however late the collector heard of it. */
	uint64_t taken_ns = model->process_flags & HT_PROCESS_FIGURES_FINAL ? model->now_ns : model->allocator_ns;

	if (!model->allocator_ns) {
		fputs("n/a\n[heaptrace] allocator info (resident)    : n/a\n", text->out);
		return;
	}
	fputs(units_bytes(model->allocator_arena + model->allocator_hblkhd).text, text->out);
	put_staleness(text, taken_ns);
	fprintf(text->out, "[heaptrace] allocator info (resident)    : %s",
		units_bytes(model->allocator_uordblks + model->allocator_hblkhd).text);
	put_staleness(text, taken_ns);
}

static void put_statm(const struct text *text)
{
	const struct statm *statm = &text->model->host.statm;

	fputs("[heaptrace] statm info (VSS/RSS/shared)  : ", text->out);
	if (!statm->ns) {
		fputs("n/a\n", text->out);
		return;
	}
	fprintf(text->out, "%s / %s / %s", units_bytes(statm->size).text, units_bytes(statm->resident).text,
		units_bytes(statm->shared).text);
	put_staleness(text, statm->ns);
}

static void put_summary(const struct text *text)
{
	const struct totals *totals = &text->figures.totals;

	fprintf(text->out, "[heaptrace] heap traced num of backtrace : %" PRIu64 "\n", text->figures.backtraces);
	fprintf(text->out, "[heaptrace] heap traced allocation size  : %s\n", units_bytes(totals->live_bytes).text);
	fprintf(text->out, "[heaptrace] heap traced peak / total     : %s / %s", units_bytes(totals->peak_bytes).text,
		units_bytes(totals->allocated_bytes).text);
	if (text->model->peak_bound_bytes)
		fprintf(text->out, " (true peak less than %s above; --exact)",
			units_bytes(text->model->peak_bound_bytes).text);
	fputc('\n', text->out);
	churn_summary(text->out, text->model);
	put_allocator(text);
	put_statm(text);
}

static void put_left_out(const struct text *text, const struct left_out *left_out, const char *how, const char *why)
{
	if (left_out->backtraces)
		fprintf(text->out, "[heaptrace] %s: %s in %" PRIu64 " blocks of %" PRIu64 " backtraces%s\n", how,
			units_bytes(left_out->bytes).text, left_out->blocks, left_out->backtraces, why);
}

static void put_ignored(const struct text *text)
{
	put_left_out(text, &text->figures.ignored, "ignored", " (--ignore)");
	put_left_out(text, &text->figures.filtered, "filtered out", "");
	for (size_t i = 0; text->rules && text->options->verbose && i < text->rules->count; i++) {
		if (!text->rules->rules[i].backtraces)
			fprintf(text->out, "[heaptrace] unused rule: %s\n", text->rules->rules[i].text);
	}
	for (size_t i = 0; text->rules && text->options->verbose && i < text->rules->suppression_count; i++) {
		if (!text->rules->suppressions[i].backtraces)
			fprintf(text->out, "[heaptrace] unused suppression: %s\n", text->rules->suppressions[i].name);
	}
}

static void put_count(const struct text *text, uint64_t count, const char *one, const char *rest)
{
	if (count)
		fprintf(text->out, "[heaptrace] not seen: %" PRIu64 " %s%s%s\n", count, one, count > 1 ? "s" : "", rest);
}

/** Whether something was missed that makes "nothing is live" doubtful. */
static bool missed_much(const struct model *model)
{
	return model->host.untraced_count || model->table_full || model->corrupt_records ||
	       model->process_flags & HT_PROCESS_MALLOC_HIDDEN;
}

static void put_not_seen(const struct text *text)
{
	const struct model *model = text->model;

	if (model->process_flags & HT_PROCESS_MALLOC_HIDDEN)
		fputs("[heaptrace] not seen: the program's own malloc, which the C library's look-up finds before ours; link it "
		      "dynamically or build the program without it\n", text->out);
	if (model->process_flags & HT_PROCESS_HAS_GAPS)
		fprintf(text->out, "[heaptrace] not seen: blocks allocated while recording was stopped%s\n",
			model->process_flags & HT_PROCESS_STOPPED ? "; it still is: `heaptrace ctl PID start`" : "");
	if (model->process_flags & HT_PROCESS_SIGNAL_TAKEN)
		fputs("[heaptrace] not seen: a dump signal that the program handles itself; use --signals or `heaptrace dump`\n",
		      text->out);
	report_untraced(text->out, &model->host);
	put_count(text, model->nested_allocations, "allocation", " of signal handlers that interrupted an allocation");
	put_count(text, model->inherited_frees, "block",
		  model->process_flags & HT_PROCESS_HAS_GAPS || model->reset_ns ?
		  " from before a start or reset, or while recording was stopped (freed here)" :
		  " from before the start or from the parent process (freed here)");
	put_count(text, model->table_full, "allocation", ", because a table could not grow");
	put_count(text, model->corrupt_records, "record", ", because they were corrupt");
}

/** Files that are not what they were during the run: their functions are not named, rather than named wrongly. */
static void put_remarks(const struct text *text)
{
	const struct model *model = text->model;
	struct strings said = { 0 };

	for (size_t i = 0; i < model->module_count; i++) {
		const struct module *module = &model->modules[i];
		size_t before = said.used;

		if (module->remark)
			strings_keep(&said, module->path);
		if (said.used == before)
			continue;
		fputs("[heaptrace] no names for ", text->out);
		put_name(text, module->path, 0);
		fprintf(text->out, ": %s", module->remark);
		if (module->build_id_size)
			fputs("; build id ", text->out);
		for (uint32_t j = 0; j < module->build_id_size; j++)
			fprintf(text->out, "%02x", module->build_id[j]);
		fprintf(text->out, "%s--debug-dir=DIR says where else to look\n", module->build_id_size ? " is wanted, " : "; ");
	}
	strings_free(&said);
}

/** All that explains the figures. The HTML report says the same. */
static void put_notes(const struct text *text)
{
	put_ignored(text);
	put_remarks(text);
	put_not_seen(text);
}

void report_text_notes(FILE *out, struct model *model, const struct figures *figures, struct rules *rules,
		       const struct options *options)
{
	struct text text = { .out = out, .model = model, .options = options, .figures = *figures, .rules = rules };

	put_notes(&text);
}

/** First lines: the process's life, or why it is looked at while it runs. */
static void put_head(const struct text *text)
{
	const struct model *model = text->model;
	uint64_t age = model->now_ns > model->start_ns ? model->now_ns - model->start_ns : 0;

	if (text->occasion->final) {
		fprintf(text->out, "[heaptrace] initialized for /proc/%d/maps (%s)\n", model->pid, model->name);
		fprintf(text->out, "[heaptrace] finalized for /proc/%d/maps (%s)\n", model->pid, model->name);
		return;
	}
	fprintf(text->out, "[heaptrace] dump for /proc/%d/maps (%s) after %s: %s\n", model->pid, model->name,
		units_age(age).text, text->occasion->reason ? text->occasion->reason : "still running");
}

static size_t section_count(const struct text *text)
{
	return text->occasion->force_sort != SORT_NONE ? 1 : text->options->sort_count ? text->options->sort_count : 1;
}

static enum sort_key section_key(const struct text *text, size_t i)
{
	if (text->occasion->force_sort != SORT_NONE)
		return text->occasion->force_sort;
	return text->options->sort_count ? text->options->sort[i] : SORT_SIZE;
}

static bool is_wanted(const struct text *text)
{
	if (text->figures.totals.live_blocks)
		return true;
	for (size_t i = 0; i < section_count(text); i++) {
		if (shows_the_past(section_key(text, i)))
			return true;
	}
	return false;
}

/** Nothing is live: silence, but for what was missed; on a terminal or with -v a line. @return what report_text() returns */
static int put_nothing(const struct text *text)
{
	const struct model *model = text->model;
	bool say = text->options->verbose || (text->occasion->terminal && !text->options->quiet);

	if (!say && !missed_much(model))
		return 1;
	if (say) {
		fprintf(text->out, "[heaptrace] nothing live: %" PRIu64 " allocations, peak %s\n",
			text->figures.totals.allocations, units_bytes(text->figures.totals.peak_bytes).text);
		put_ignored(text);
	} else {
		fprintf(text->out, "[heaptrace] nothing live in /proc/%d/maps (%s), but:\n", model->pid, model->name);
	}
	put_not_seen(text);
	return missed_much(model) ? 0 : 1;
}

static int put_report(const struct text *text)
{
	if (!is_wanted(text))
		return put_nothing(text);
	put_head(text);
	fputs(RULER "\n", text->out);
	for (size_t i = 0; i < section_count(text); i++)
		put_section(text, section_key(text, i));
	put_summary(text);
	put_notes(text);
	fputs(RULER "\n", text->out);
	return 0;
}

/** The terminal's width. A report is often made in memory first: then it is the standard streams' terminal. */
static unsigned terminal_columns(FILE *out)
{
	const int streams[] = { fileno(out), STDERR_FILENO, STDOUT_FILENO };
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		if (streams[i] >= 0 && ioctl(streams[i], TIOCGWINSZ, &size) == 0 && size.ws_col)
			return size.ws_col;
	}
	return columns && atoi(columns) > 0 ? (unsigned)atoi(columns) : 0;
}

int report_text(FILE *out, struct model *model, const struct options *options, const struct report_occasion *occasion)
{
	struct text text = { .out = out, .model = model, .options = options, .occasion = occasion };
	int status;

	text.fancy = options->color == COLOR_ALWAYS || (options->color == COLOR_AUTO && occasion->terminal);
	if (occasion->terminal)
		text.columns = terminal_columns(out);
	text.rules = figures_make(&text.figures, model, options);
	if (occasion->totals)
		*occasion->totals = text.figures.totals;
	status = put_report(&text);
	rules_free(text.rules);
	if (fflush(out) || ferror(out))
		return -1;
	return status;
}
