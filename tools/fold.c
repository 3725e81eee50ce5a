// SPDX-License-Identifier: MIT

/*
 * Folding recursion: see fold.h. From the innermost frame on, "a a a" becomes "a", then "a b a b" becomes "a b", and so on
 * for longer cycles; the innermost round is the one that is kept. Frames are alike if they are of the same functions, from
 * whichever lines these call.
 */

#include "churn.h"
#include "fold.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "slices.h"
#include "symbols.h"

#define LONGEST 32 /* functions in a cycle */

/** A pass over a model. */
struct folding {
	struct model *model;
	struct strings strings;
	const void **kinds;       /* of each frame of the model: equal for equal functions */
	size_t fold_count, fold_room; /* of model->folds */
	struct table chains;      /* (parent chain, frame) to number */
	struct table merged;      /* (chain, entry and truncated) to number of the backtrace + 1 */
};

/** One backtrace being folded. */
struct stack {
	struct frame **frames;
	unsigned depth;
	struct fold folds[HT_MAX_DEPTH];
	unsigned fold_count;
};

static const void *kind_of(struct folding *folding, const struct frame *frame)
{
	const char *kind;
	char *text = memory_copy_string(frame->module ? frame->module->path : "");

	if (!frame->name_count || !frame->names[frame->name_count - 1].function) {
		free(text);
		return frame;
	}
	for (unsigned i = 0; i < frame->name_count; i++) {
		const char *function = frame->names[i].function;
		char *longer = memory_format("%s\n%s", text, function ? function : "");

		free(text);
		text = longer;
	}
	kind = strings_keep(&folding->strings, text);
	free(text);
	return kind;
}

static const void *kind_at(const struct folding *folding, const struct stack *stack, unsigned at)
{
	return folding->kinds[stack->frames[at] - folding->model->frames];
}

/** How often the `length` frames at `at` stand there one behind the other. */
static unsigned rounds(const struct folding *folding, const struct stack *stack, unsigned at, unsigned length)
{
	unsigned same = 0;

	while (at + length + same < stack->depth &&
	       kind_at(folding, stack, at + same) == kind_at(folding, stack, at + length + same))
		same++;
	return 1 + same / length;
}

/** The fold of the same frames in the first round; none: the first round goes through them once. */
static struct fold *find_fold(struct fold *folds, unsigned count, unsigned at, unsigned length)
{
	for (unsigned i = 0; i < count; i++) {
		if (folds[i].at == at && folds[i].length == length)
			return &folds[i];
	}
	return NULL;
}

static void widen(struct fold *fold, unsigned least, unsigned most)
{
	if (least < fold->least)
		fold->least = (uint16_t)least;
	if (most > fold->most)
		fold->most = (uint16_t)most;
}

/** Add what one list of folds says to another: what is in one of them only was gone through once in the other. */
static unsigned unite(struct fold *folds, unsigned count, const struct fold *others, unsigned other_count)
{
	unsigned all = count;

	for (unsigned i = 0; i < other_count; i++) {
		struct fold *same = find_fold(folds, count, others[i].at, others[i].length);

		if (same) {
			widen(same, others[i].least, others[i].most);
		} else if (all < HT_MAX_DEPTH) {
			folds[all] = others[i];
			folds[all++].least = 1;
		}
	}
	for (unsigned i = 0; i < count; i++) {
		if (!find_fold((struct fold *)others, other_count, folds[i].at, folds[i].length))
			folds[i].least = 1;
	}
	return all;
}

/** The folds inside `length` frames from `at` on, as counted from there. @return how many */
static unsigned folds_inside(const struct stack *stack, unsigned at, unsigned length, struct fold *inside)
{
	unsigned count = 0;

	for (unsigned i = 0; i < stack->fold_count; i++) {
		const struct fold *fold = &stack->folds[i];

		if (fold->at >= at && fold->at + fold->length <= at + length) {
			inside[count] = *fold;
			inside[count++].at = (uint16_t)(fold->at - at);
		}
	}
	return count;
}

/** Keep the first round of a cycle; the folds of the others go into its own. */
static void drop_rounds(struct stack *stack, unsigned at, unsigned length, unsigned times)
{
	struct fold kept[HT_MAX_DEPTH], other[HT_MAX_DEPTH];
	unsigned kept_count = folds_inside(stack, at, length, kept), dropped = length * (times - 1), left = 0;

	for (unsigned i = 1; i < times; i++) {
		unsigned count = folds_inside(stack, at + i * length, length, other);

		kept_count = unite(kept, kept_count, other, count);
	}
	for (unsigned i = 0; i < stack->fold_count; i++) {
		struct fold fold = stack->folds[i];

		if (fold.at >= at && fold.at < at + length * times)
			continue;
		fold.at = (uint16_t)(fold.at < at ? fold.at : fold.at - dropped);
		stack->folds[left++] = fold;
	}
	for (unsigned i = 0; i < kept_count && left < HT_MAX_DEPTH; i++) {
		kept[i].at = (uint16_t)(kept[i].at + at);
		stack->folds[left++] = kept[i];
	}
	if (left < HT_MAX_DEPTH)
		stack->folds[left++] = (struct fold) { (uint16_t)at, (uint16_t)length, (uint16_t)times, (uint16_t)times };
	stack->fold_count = left;
	memmove(stack->frames + at + length, stack->frames + at + length * times,
		(stack->depth - at - length * times) * sizeof(struct frame *));
	stack->depth -= dropped;
}

static void fold_stack(const struct folding *folding, struct stack *stack)
{
	for (unsigned length = 1; length <= LONGEST && 2 * length <= stack->depth; length++) {
		for (unsigned at = 0; at + 2 * length <= stack->depth; at++) {
			unsigned times = rounds(folding, stack, at, length);

			if (times > 1)
				drop_rounds(stack, at, length, times);
		}
	}
}

/** Innermost first, and of folds that begin together the shorter first. */
static int fold_order(const void *a, const void *b)
{
	const struct fold *left = a, *right = b;
	int l = left->at + left->length, r = right->at + right->length;

	return l != r ? l - r : left->length - right->length;
}

static void keep_folds(struct folding *folding, struct backtrace *backtrace, struct fold *folds, unsigned count)
{
	struct model *model = folding->model;

	qsort(folds, count, sizeof(*folds), fold_order);
	backtrace->folds = folding->fold_count;
	backtrace->fold_count = count;
	for (unsigned i = 0; i < count; i++) {
		model->folds = memory_grow(model->folds, folding->fold_count, &folding->fold_room, sizeof(*model->folds));
		model->folds[folding->fold_count++] = folds[i];
	}
}

static void fold_backtrace(struct folding *folding, struct backtrace *backtrace)
{
	struct stack stack = { .frames = backtrace->frames, .depth = backtrace->depth };

	fold_stack(folding, &stack);
	backtrace->depth = stack.depth;
	keep_folds(folding, backtrace, stack.folds, stack.fold_count);
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/** Add up two backtraces that have become the same. Their own peaks were at different times: what is sure is the larger. */
static void merge(struct folding *folding, struct backtrace *to, const struct backtrace *from)
{
	struct fold folds[HT_MAX_DEPTH];
	unsigned count = to->fold_count;

	to->live_blocks += from->live_blocks;
	to->live_bytes += from->live_bytes;
	to->at_peak_blocks += from->at_peak_blocks;
	to->at_peak_bytes += from->at_peak_bytes;
	to->total_blocks += from->total_blocks;
	if (to->churn && from->churn)
		churn_add(to->churn, from->churn);
	to->total_bytes += from->total_bytes;
	to->freed_blocks += from->freed_blocks;
	to->freed_bytes += from->freed_bytes;
	to->peak_blocks = most(most(to->peak_blocks, from->peak_blocks), most(to->live_blocks, to->at_peak_blocks));
	to->peak_bytes = most(most(to->peak_bytes, from->peak_bytes), most(to->live_bytes, to->at_peak_bytes));
	to->first_ns = to->first_ns < from->first_ns ? to->first_ns : from->first_ns;
	to->last_ns = most(to->last_ns, from->last_ns);
	to->merged += 1 + from->merged;
	if (!to->fold_count && !from->fold_count)
		return;
	if (count)
		memcpy(folds, folding->model->folds + to->folds, count * sizeof(*folds));
	count = unite(folds, count, folding->model->folds + from->folds, from->fold_count);
	keep_folds(folding, to, folds, count);
}

/** The number of a backtrace's chain of frames. */
static uint32_t chain_of(struct folding *folding, const struct backtrace *backtrace)
{
	uint32_t chain = 0;
	bool fresh;

	for (unsigned i = backtrace->depth; i-- > 0;) {
		uint32_t *next = table_at(&folding->chains, chain, (uintptr_t)backtrace->frames[i], &fresh);

		if (fresh)
			*next = (uint32_t)folding->chains.used;
		chain = *next;
	}
	return chain;
}

static void merge_equals(struct folding *folding)
{
	struct model *model = folding->model;
	uint32_t *places = memory_zeroed(model->backtrace_count, sizeof(*places));
	size_t kept = 0;

	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];
		uint64_t how = (uint64_t)backtrace->entry << 1 | backtrace->truncated |
			       (backtrace->thread ? (uint64_t)backtrace->thread->label << 8 : 0);
		bool fresh;
		uint32_t *number = table_at(&folding->merged, chain_of(folding, backtrace), how, &fresh);

		if (!fresh) {
			merge(folding, &model->backtraces[*number - 1], backtrace);
			places[i] = *number - 1;
			continue;
		}
		places[i] = (uint32_t)kept;
		model->backtraces[kept++] = *backtrace;
		*number = (uint32_t)kept;
	}
	model->backtrace_count = kept;
	slices_renumber(model, places);
	free(places);
}

void fold_recursion(struct model *model, const struct options *options)
{
	struct folding folding = { .model = model };

	if (!options->fold_recursion || model->folded)
		return;
	symbols_name_all(model, options);
	folding.kinds = memory_zeroed(model->frame_count + 1, sizeof(*folding.kinds));
	for (size_t i = 0; i < model->frame_count; i++)
		folding.kinds[i] = kind_of(&folding, &model->frames[i]);
	for (size_t i = 0; i < model->backtrace_count; i++)
		fold_backtrace(&folding, &model->backtraces[i]);
	merge_equals(&folding);
	model->folded = true;
	free(folding.kinds);
	strings_free(&folding.strings);
	table_free(&folding.chains);
	table_free(&folding.merged);
}
