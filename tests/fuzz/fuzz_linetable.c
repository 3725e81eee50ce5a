// SPDX-License-Identifier: MIT

/* libFuzzer entry: the line tables of any bytes as an ELF file, and addresses around those that small programs have. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../tools/memory.h"
#include "../../tools/symbols_linetable.h"

#define ROWS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_file *file = elf_file_memory(memory_copy_bytes(data, size), size);
	struct linetable_row rows[ROWS];

	if (!file)
		return 0;
	for (size_t i = 0; i < ROWS; i++)
		rows[i] = (struct linetable_row) { .address = i < ROWS - 1 ? i * i * 3 : UINT64_MAX };
	linetable_find(file, rows, ROWS);
	elf_file_close(file);
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].file && !rows[i].line)
			abort(); /* a file without a line */
		free(rows[i].file);
	}
	return 0;
}
