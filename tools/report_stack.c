// SPDX-License-Identifier: MIT

/* A backtrace as a list of lines: see report_stack.h. */

#include "report_stack.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "allocators.h"
#include "memory.h"
#include "report_common.h"

static void push(struct stack_lines *stack, struct stack_line line)
{
	stack->lines = memory_grow(stack->lines, stack->count, &stack->room, sizeof(*stack->lines));
	stack->lines[stack->count++] = line;
}

static void push_frame(struct stack_lines *stack, const struct frame *frame)
{
	for (unsigned i = 0; i < frame->name_count; i++) {
		const struct frame_name *name = &frame->names[i];

		push(stack, (struct stack_line) {
			.frame = frame,
			.module = frame->module,
			.address = frame->address,
			.function = name->function,
			.file = name->file,
			.line = name->file ? name->line : 0,
			.inlined = name->inlined,
		});
	}
}

size_t stack_lines_hidden(const struct stack_lines *stack)
{
	size_t hidden = 0;

	while (hidden + 1 < stack->count && stack->lines[hidden].function &&
	       is_allocator_function(stack->lines[hidden].function))
		hidden++;
	return hidden;
}

static void drop_hidden(struct stack_lines *stack)
{
	size_t hidden = stack_lines_hidden(stack);

	stack->count -= hidden;
	memmove(stack->lines, stack->lines + hidden, stack->count * sizeof(*stack->lines));
}

void stack_lines_make(struct stack_lines *stack, const struct model *model, const struct backtrace *backtrace,
		      bool keep_allocator)
{
	stack->count = 0;
	push(stack, (struct stack_line) {
		.module = model_self(model),
		.address = model->entries[backtrace->entry],
		.function = entry_name(backtrace->entry),
	});
	for (unsigned i = 0; i < backtrace->depth; i++)
		push_frame(stack, backtrace->frames[i]);
	if (backtrace->truncated)
		push(stack, (struct stack_line) { .function = "[truncated]" });
	if (!keep_allocator)
		drop_hidden(stack);
}

static bool hands_on(const struct stack_line *line)
{
	return line->function && is_handing_on(line->function);
}

const struct stack_line *stack_lines_caller(const struct stack_lines *stack)
{
	size_t caller = 0;

	while (caller + 1 < stack->count && hands_on(&stack->lines[caller]))
		caller++;
	/* "[truncated]" called nobody; what is in front of it is the most that is known. */
	if (caller > 0 && !stack->lines[caller].address)
		caller--;
	return &stack->lines[caller];
}

char *stack_line_name(const struct stack_line *line)
{
	if (line->function && *line->function)
		return memory_copy_string(line->function);
	return line->frame ? frame_place(line->frame, true) : memory_copy_string("?");
}

char *stack_lines_describe(const struct stack_lines *stack, size_t first, size_t count)
{
	char *text = memory_copy_string("");

	for (size_t i = first; i < stack->count && i < first + count; i++) {
		const struct stack_line *line = &stack->lines[i];
		const char *arrow = i > first ? " < " : "";
		char *name = stack_line_name(line), *longer;

		if (line->file && line->line)
			longer = memory_format("%s%s%s (%s:%u)", text, arrow, name, line->file, line->line);
		else if (line->file)
			longer = memory_format("%s%s%s (%s)", text, arrow, name, line->file);
		else
			longer = memory_format("%s%s%s", text, arrow, name);
		free(name);
		free(text);
		text = longer;
	}
	return text;
}

struct mapping module_mapping(const struct module *module, uint64_t address)
{
	const uint64_t page = 4095;
	struct mapping mapping = { module->start, module->end, 0 };
	bool found = false;

	for (uint32_t i = 0; i < module->phdr_count; i++) {
		const struct ht_phdr *phdr = &module->phdrs[i];
		uint64_t start = (module->bias + phdr->vaddr) & ~page;
		uint64_t limit = (module->bias + phdr->vaddr + phdr->memsz + page) & ~page;
		bool holds = address >= start && address < limit;

		if (!(phdr->flags & PF_X) || (found && !holds))
			continue;
		mapping = (struct mapping) { start, limit, phdr->offset & ~page };
		found = true;
		if (holds)
			break;
	}
	return mapping;
}
