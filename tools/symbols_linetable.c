// SPDX-License-Identifier: MIT

/*
 * Line tables of DWARF 5: see symbols_linetable.h. The file is a stranger's: what does not fit ends the unit, and a unit
 * of which even the length is wrong ends the section.
 */

#include "symbols_linetable.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { LNCT_PATH = 1, LNCT_DIRECTORY = 2 };
enum { FORM_DATA2 = 0x05, FORM_DATA4 = 0x06, FORM_DATA8 = 0x07, FORM_STRING = 0x08, FORM_BLOCK = 0x09, FORM_DATA1 = 0x0b,
       FORM_STRP = 0x0e, FORM_UDATA = 0x0f, FORM_DATA16 = 0x1e, FORM_LINE_STRP = 0x1f };
enum { OP_EXTENDED, OP_COPY, OP_ADVANCE_PC, OP_ADVANCE_LINE, OP_SET_FILE, OP_CONST_ADD_PC = 8, OP_FIXED_ADVANCE_PC };
enum { EXTENDED_END_SEQUENCE = 1, EXTENDED_SET_ADDRESS };

/** Bytes that are read from the front. Behind their end all is 0. */
struct bytes {
	const uint8_t *at, *end;
};

/** A directory or a file. */
struct entry {
	const char *name; /* in a section; NULL: unknown */
	uint64_t directory;
};

struct entries {
	struct entry *items;
	size_t count, room;
};

/** One unit, and what it needs of the file. */
struct unit {
	struct bytes header, program, strings, line_strings;
	unsigned offset_size, instruction_size, line_range, opcode_base;
	int64_t line_base;
	uint8_t operands[256]; /* of standard opcodes */
	struct entries directories, files;
	struct linetable_row *rows;
	size_t row_count, *missing; /* rows that are not filled in yet */
};

/** The registers of a line program that matter here. */
struct state {
	uint64_t address, file, line;
};

static struct bytes take(struct bytes *bytes, uint64_t size)
{
	size_t left = (size_t)(bytes->end - bytes->at);
	struct bytes part = { bytes->at, bytes->at + (size < left ? size : left) };

	bytes->at = part.end;
	return part;
}

static uint64_t number(struct bytes *bytes, unsigned size)
{
	struct bytes part = take(bytes, size);
	uint64_t value = 0;

	while (part.end > part.at)
		value = value << 8 | *--part.end; /* in another byte order no version is 5 */
	return value;
}

static uint64_t leb128(struct bytes *bytes, bool is_signed)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte = 0;

	while (bytes->at < bytes->end) {
		byte = *bytes->at++;
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80))
			break;
	}
	if (is_signed && byte & 0x40 && shift < 64)
		value |= -((uint64_t)1 << shift);
	return value;
}

/** A string that ends within its bytes. */
static const char *string(struct bytes *bytes)
{
	const char *text = (const char *)bytes->at;
	size_t left = (size_t)(bytes->end - bytes->at), length = strnlen(text, left);

	take(bytes, length + 1);
	return length < left ? text : NULL;
}

static const char *string_at(struct bytes section, uint64_t offset)
{
	take(&section, offset);
	return string(&section);
}

/** One part of an entry. @return false for a form that is not known, and so has no known length */
static bool read_part(struct unit *unit, uint64_t what, uint64_t form, struct entry *entry)
{
	struct bytes *bytes = &unit->header;
	const char *name = NULL;
	uint64_t value = 0;

	switch (form) {
	case FORM_STRING: name = string(bytes); break;
	case FORM_STRP: name = string_at(unit->strings, number(bytes, unit->offset_size)); break;
	case FORM_LINE_STRP: name = string_at(unit->line_strings, number(bytes, unit->offset_size)); break;
	case FORM_DATA1: value = number(bytes, 1); break;
	case FORM_DATA2: value = number(bytes, 2); break;
	case FORM_DATA4: value = number(bytes, 4); break;
	case FORM_DATA8: value = number(bytes, 8); break;
	case FORM_UDATA: value = leb128(bytes, false); break;
	case FORM_DATA16: take(bytes, 16); break;
	case FORM_BLOCK: take(bytes, leb128(bytes, false)); break;
	default: return false;
	}
	if (what == LNCT_PATH)
		entry->name = name;
	else if (what == LNCT_DIRECTORY)
		entry->directory = value;
	return true;
}

/** The list of directories, or that of files: what each entry has, their number, and they. */
static bool read_entries(struct unit *unit, struct entries *entries)
{
	uint64_t formats[2 * 255], count;
	size_t parts = number(&unit->header, 1);

	for (size_t i = 0; i < 2 * parts; i++)
		formats[i] = leb128(&unit->header, false);
	count = parts ? leb128(&unit->header, false) : 0;
	while (entries->count < count && unit->header.at < unit->header.end) {
		struct entry entry = { .name = NULL };

		for (size_t i = 0; i < parts; i++) {
			if (!read_part(unit, formats[2 * i], formats[2 * i + 1], &entry))
				return false;
		}
		entries->items = memory_grow(entries->items, entries->count, &entries->room, sizeof(*entries->items));
		entries->items[entries->count++] = entry;
	}
	return entries->count == count;
}

/** Fill in the header of one unit. @return false if it is none of version 5, or damaged */
static bool read_header(struct unit *unit, struct bytes bytes, unsigned offset_size)
{
	unsigned version = (unsigned)number(&bytes, 2), address_size = (unsigned)number(&bytes, 1);

	take(&bytes, 1); /* size of segment selectors */
	unit->offset_size = offset_size;
	unit->header = take(&bytes, number(&bytes, offset_size));
	unit->program = bytes;
	unit->instruction_size = (unsigned)number(&unit->header, 1);
	take(&unit->header, 2);
	unit->line_base = (int8_t)number(&unit->header, 1);
	unit->line_range = (unsigned)number(&unit->header, 1);
	unit->opcode_base = (unsigned)number(&unit->header, 1);
	for (unsigned i = 1; i < unit->opcode_base; i++)
		unit->operands[i] = (uint8_t)number(&unit->header, 1);
	return version == 5 && address_size == 8 && unit->line_range && unit->opcode_base && read_entries(unit, &unit->directories) &&
	       read_entries(unit, &unit->files);
}

static const char *directory_of(const struct unit *unit, uint64_t number)
{
	return number < unit->directories.count ? unit->directories.items[number].name : NULL;
}

/** Relative directories are below the first one. */
static char *path_of(const struct unit *unit, uint64_t number)
{
	const struct entry *file = number < unit->files.count ? &unit->files.items[number] : NULL;
	const char *directory, *first = directory_of(unit, 0);

	if (!file || !file->name || !*file->name)
		return NULL;
	directory = directory_of(unit, file->directory);
	if (*file->name == '/' || !directory || !*directory)
		return memory_copy_string(file->name);
	if (*directory == '/' || !first || directory == first)
		return memory_format("%s/%s", directory, file->name);
	return memory_format("%s/%s/%s", first, directory, file->name);
}

/** A row holds from its address to that of the next one. */
static void put_range(struct unit *unit, const struct state *row, uint64_t end)
{
	size_t low = 0, high = unit->row_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (unit->rows[middle].address < row->address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < unit->row_count && unit->rows[low].address < end; low++) {
		if (unit->rows[low].file || !row->line || row->line > UINT32_MAX)
			continue;
		unit->rows[low].line = (unsigned)row->line;
		unit->rows[low].file = path_of(unit, row->file);
		*unit->missing -= unit->rows[low].file != NULL;
	}
}

static const struct state beginning = { .file = 1, .line = 1 };

/** @return whether the sequence ends here */
static bool run_extended(struct unit *unit, struct state *state)
{
	struct bytes bytes = take(&unit->program, leb128(&unit->program, false));
	unsigned code = (unsigned)number(&bytes, 1);

	if (code == EXTENDED_SET_ADDRESS)
		state->address = number(&bytes, 8);
	return code == EXTENDED_END_SEQUENCE;
}

/** An opcode that only sets registers. */
static void run_standard(struct unit *unit, struct state *state, unsigned code)
{
	struct bytes *program = &unit->program;

	if (code == OP_ADVANCE_PC)
		state->address += leb128(program, false) * unit->instruction_size;
	else if (code == OP_ADVANCE_LINE)
		state->line += leb128(program, true);
	else if (code == OP_SET_FILE)
		state->file = leb128(program, false);
	else if (code == OP_CONST_ADD_PC)
		state->address += (255u - unit->opcode_base) / unit->line_range * unit->instruction_size;
	else if (code == OP_FIXED_ADVANCE_PC)
		state->address += number(program, 2);
	else
		for (unsigned i = 0; i < unit->operands[code]; i++)
			leb128(program, false);
}

static void run_program(struct unit *unit)
{
	struct state state = beginning, row = beginning;
	bool in_sequence = false;

	while (unit->program.at < unit->program.end) {
		unsigned code = (unsigned)number(&unit->program, 1);
		bool special = code >= unit->opcode_base, ends = false;

		if (special) {
			state.address += (code - unit->opcode_base) / unit->line_range * unit->instruction_size;
			state.line += (uint64_t)unit->line_base + (code - unit->opcode_base) % unit->line_range;
		} else if (code == OP_EXTENDED) {
			ends = run_extended(unit, &state);
		} else if (code != OP_COPY) {
			run_standard(unit, &state, code);
		}
		if (!special && code != OP_COPY && !ends)
			continue;
		if (in_sequence)
			put_range(unit, &row, state.address);
		row = state;
		in_sequence = !ends;
		if (ends)
			state = beginning;
	}
}

static struct bytes section(struct elf_file *file, const char *name)
{
	static const uint8_t nothing[1];
	size_t size;
	const char *found = elf_file_unpacked(file, name, &size);
	const uint8_t *bytes = found ? (const uint8_t *)found : nothing;

	return (struct bytes) { bytes, bytes + size };
}

void linetable_find(struct elf_file *file, struct linetable_row *rows, size_t count)
{
	struct bytes lines = section(file, ".debug_line"), strings = section(file, ".debug_str"),
		     line_strings = section(file, ".debug_line_str");
	size_t missing = count;

	while (lines.at < lines.end && missing) {
		struct unit unit = { .strings = strings, .line_strings = line_strings, .rows = rows, .row_count = count,
				     .missing = &missing };
		uint64_t length = number(&lines, 4);
		unsigned offset_size = length == 0xffffffff ? 8 : 4;

		if (offset_size == 8)
			length = number(&lines, 8);
		if (read_header(&unit, take(&lines, length), offset_size))
			run_program(&unit);
		free(unit.directories.items);
		free(unit.files.items);
	}
}
