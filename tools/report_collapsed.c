// SPDX-License-Identifier: MIT

/*
 * Collapsed stacks, "root;…;leaf N", for flamegraph.pl and its friends. Stacks that read the same are added up: all
 * processes go into one tree of names, and each node of it that has a value of its own becomes a line.
 *
 * Traps: a `;` in a name would split the frame; a leaf that ends in " 12" would be taken for the first column of a
 * differential; a first line that is no stack makes some readers refuse the file.
 */

#include "report.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "allocators.h"
#include "memory.h"
#include "report_common.h"
#include "rules.h"
#include "symbols.h"

/** A frame below its callers. Children are a list in the order of their arrival, as they are printed. */
struct leaf {
	uint64_t value, before; /* `before`: of differentials */
	const char *name;
	uint32_t parent, child, sibling, last;
};

struct tree {
	struct strings names;
	struct table children;  /* (parent, name) to number */
	struct leaf *leaves;    /* number 0: above all roots */
	size_t count, room;
	const struct options *options;
	bool two_columns;
};

/** Put a `_` between a name and a number at its end. */
static void hide_number(char *name)
{
	size_t length = strlen(name), digits = 0;

	while (digits < length && isdigit((unsigned char)name[length - 1 - digits]))
		digits++;
	if (digits && digits < length && name[length - 1 - digits] == ' ')
		name[length - 1 - digits] = '_';
}

/** The one copy of a name, with nothing in it that means something to the readers. */
static const char *keep_name(struct tree *tree, const char *name)
{
	char *clean = memory_copy_string(*name ? name : "?");
	const char *kept;
	size_t length = strlen(clean);

	for (char *c = clean; *c; c++) {
		if (*c == ';')
			*c = ':';
		else if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
	while (length > 1 && clean[length - 1] == ' ')
		clean[--length] = '\0';
	hide_number(clean);
	kept = strings_keep(&tree->names, clean);
	free(clean);
	return kept;
}

static uint32_t new_leaf(struct tree *tree, uint32_t parent, const char *name)
{
	uint32_t number = (uint32_t)tree->count;

	tree->leaves = memory_grow(tree->leaves, tree->count, &tree->room, sizeof(*tree->leaves));
	tree->leaves[tree->count++] = (struct leaf) { .name = name, .parent = parent };
	if (!number)
		return 0;
	if (tree->leaves[parent].last)
		tree->leaves[tree->leaves[parent].last].sibling = number;
	else
		tree->leaves[parent].child = number;
	tree->leaves[parent].last = number;
	return number;
}

/** Go down to a child, made if need be. */
static uint32_t descend(struct tree *tree, uint32_t parent, const char *name)
{
	bool fresh;
	uint32_t *number = table_at(&tree->children, parent, (uintptr_t)name, &fresh);

	if (fresh)
		*number = new_leaf(tree, parent, name);
	return *number;
}

/** The names of a frame, innermost first, in the form that the tree keeps. */
struct stack {
	const char **names;
	size_t count, room;
};

static void push(struct stack *stack, const char *name)
{
	stack->names = memory_grow(stack->names, stack->count, &stack->room, sizeof(*stack->names));
	stack->names[stack->count++] = name;
}

static void push_frame(struct tree *tree, struct stack *stack, const struct frame *frame)
{
	for (unsigned i = 0; i < frame->name_count; i++) {
		const char *function = frame->names[i].function;
		char *place = function ? NULL : frame_place(frame, true);

		push(stack, keep_name(tree, function ? function : place));
		free(place);
	}
}

/** How many names at the inner end are the allocator's. A stack of nothing else keeps its outermost. */
static size_t allocator_names(const struct tree *tree, const struct stack *stack)
{
	size_t count = 0;

	if (tree->options->keep_allocator)
		return 0;
	while (count + 1 < stack->count && is_allocator_function(stack->names[count]))
		count++;
	return count;
}

static void add_backtrace(struct tree *tree, struct stack *stack, uint32_t root, const struct backtrace *backtrace,
			  uint64_t before, uint64_t value)
{
	uint32_t at = root;
	size_t skipped;

	if ((!value && !before) || backtrace->ignored)
		return;
	stack->count = 0;
	push(stack, keep_name(tree, entry_name(backtrace->entry)));
	for (unsigned i = 0; i < backtrace->depth; i++)
		push_frame(tree, stack, backtrace->frames[i]);
	if (backtrace->truncated)
		push(stack, keep_name(tree, "[truncated]"));
	skipped = allocator_names(tree, stack);
	for (size_t i = stack->count; i-- > skipped;)
		at = descend(tree, at, stack->names[i]);
	tree->leaves[at].value += value;
	tree->leaves[at].before += before;
}

static void add_model(struct tree *tree, struct stack *stack, struct model *model)
{
	struct figures figures;
	struct rules *rules = figures_make(&figures, model, tree->options);
	uint32_t root = descend(tree, 0, keep_name(tree, model->name));

	symbols_name_all(model, tree->options);
	for (size_t i = 0; i < model->backtrace_count; i++) {
		const struct backtrace *backtrace = &model->backtraces[i];

		add_backtrace(tree, stack, root, backtrace, 0, backtrace_metric_bytes(backtrace, tree->options->metric));
	}
	rules_free(rules);
}

/** Print one stack: from the root down to the leaf. */
static void put_stack(FILE *out, const struct tree *tree, struct stack *stack, uint32_t number)
{
	stack->count = 0;
	for (uint32_t at = number; at; at = tree->leaves[at].parent)
		push(stack, tree->leaves[at].name);
	for (size_t i = stack->count; i-- > 0;)
		fprintf(out, "%s%s", stack->names[i], i ? ";" : "");
	if (tree->two_columns)
		fprintf(out, " %" PRIu64, tree->leaves[number].before);
	fprintf(out, " %" PRIu64 "\n", tree->leaves[number].value);
}

/** All stacks, a caller's before its callees', without recursion: a tree is as deep as its stacks are long. */
static void put_tree(FILE *out, const struct tree *tree, struct stack *stack)
{
	uint32_t at = tree->leaves[0].child;

	while (at) {
		const struct leaf *leaf = &tree->leaves[at];

		if (leaf->value || leaf->before)
			put_stack(out, tree, stack, at);
		if (leaf->child) {
			at = leaf->child;
			continue;
		}
		while (at && !tree->leaves[at].sibling)
			at = tree->leaves[at].parent;
		if (at)
			at = tree->leaves[at].sibling;
	}
}

static int finish(FILE *out, struct tree *tree, struct stack *stack)
{
	put_tree(out, tree, stack);
	free(stack->names);
	free(tree->leaves);
	table_free(&tree->children);
	strings_free(&tree->names);
	return fflush(out) || ferror(out) ? -1 : 0;
}

int report_collapsed(FILE *out, struct model **models, size_t count, const struct options *options)
{
	struct tree tree = { .options = options };
	struct stack stack = { 0 };

	new_leaf(&tree, 0, "");
	for (size_t i = 0; i < count; i++)
		add_model(&tree, &stack, models[i]);
	return finish(out, &tree, &stack);
}

int report_collapsed_growth(FILE *out, const struct stack_growth *growth, size_t count, const struct options *options)
{
	struct tree tree = { .options = options, .two_columns = true };
	struct stack stack = { 0 };

	new_leaf(&tree, 0, "");
	for (size_t i = 0; i < count; i++) {
		uint32_t root = descend(&tree, 0, keep_name(&tree, growth[i].model->name));

		add_backtrace(&tree, &stack, root, growth[i].backtrace, growth[i].before, growth[i].after);
	}
	return finish(out, &tree, &stack);
}
