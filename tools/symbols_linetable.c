// SPDX-License-Identifier: MIT

/* Line tables, by libdw: see symbols_linetable.h. */

#include "symbols_linetable.h"

#ifdef HEAPTRACE_LIBDW

#include <elfutils/libdw.h>

#include "memory.h"

/** The first row that lies at `address` or behind it. */
static size_t first_from(const struct linetable_row *rows, size_t count, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void fill(struct linetable_row *row, Dwarf_Die *unit)
{
	Dwarf_Line *line = row->file ? NULL : dwarf_getsrc_die(unit, row->address);
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	int number = 0;

	if (!file || dwarf_lineno(line, &number) || number <= 0)
		return;
	row->file = memory_copy_string(file);
	row->line = (unsigned)number;
}

/** A unit's table is decoded only if a row lies in the unit. */
static void search_unit(Dwarf_Die *unit, struct linetable_row *rows, size_t count)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t offset = 0;

	while ((offset = dwarf_ranges(unit, offset, &base, &start, &end)) > 0)
		for (size_t i = first_from(rows, count, start); i < count && rows[i].address < end; i++)
			fill(&rows[i], unit);
}

void linetable_find(struct elf_file *file, struct linetable_row *rows, size_t count)
{
	Dwarf *dwarf = count ? dwarf_begin_elf(elf_file_handle(file), DWARF_C_READ, NULL) : NULL;
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;

	while (dwarf && dwarf_get_units(dwarf, unit, &unit, NULL, NULL, &die, NULL) == 0)
		search_unit(&die, rows, count);
	if (dwarf)
		dwarf_end(dwarf);
}

#else

void linetable_find(struct elf_file *file, struct linetable_row *rows, size_t count)
{
}

#endif
