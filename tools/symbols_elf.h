// SPDX-License-Identifier: MIT

/*
 * ELF files for names: who they are (build id), and which function an address lies in. A symbol counts only if its size
 * reaches the address: the nearest lower one, which other tools print, is in a stripped library mostly the wrong one.
 */

#ifndef HEAPTRACE_SYMBOLS_ELF_H
#define HEAPTRACE_SYMBOLS_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

struct elf_file;
struct symbol_table;

/** Open a regular ELF file. @return NULL if it is none or can not be read */
struct elf_file *elf_file_open(const char *path);

/** Our own vdso, which is that of every process of this kernel. @return NULL if there is none */
struct elf_file *elf_file_vdso(void);

/** A file that lies in memory, which is freed with it. @return NULL if it is none; then it is freed now */
struct elf_file *elf_file_memory(char *bytes, size_t size);

void elf_file_close(struct elf_file *file);

/** The build id. @return its size, 0 if there is none */
size_t elf_file_build_id(struct elf_file *file, uint8_t id[64]);

/** Whether the file is the one that a module was loaded from: same build id; without one, the same segments. */
bool elf_file_is(struct elf_file *file, const struct module *module);

/** Whether it has line numbers: a .debug_info that is not empty. */
bool elf_file_has_lines(struct elf_file *file);

/** Whether it has symbols or lines at all: what a debug file is for. */
bool elf_file_is_debug(struct elf_file *file);

/** Whether it has a .symtab, which names all functions. */
bool elf_file_has_symbols(struct elf_file *file);

/** The bytes of a section, by its name, as they are in the file. @return NULL if there is none */
const char *elf_file_section(struct elf_file *file, const char *name, size_t *size);

/** The same, unpacked if it is compressed. Good until the file is closed. */
const char *elf_file_unpacked(struct elf_file *file, const char *name, size_t *size);

/** The debug file's name in .gnu_debuglink, to be freed, and its checksum; NULL if there is none. */
char *elf_file_link(struct elf_file *file, uint32_t *checksum);

/** The checksum that debug links use, of a whole file; 0 if it can not be read. */
uint32_t elf_file_checksum(const char *path);

/** An empty table; to be freed. */
struct symbol_table *symbol_table_new(void);

/** Add the symbols of .symtab and .dynsym. To be followed by symbol_table_sort(). */
void symbol_table_add(struct symbol_table *table, struct elf_file *file);

/** Make the table ready for symbol_table_find(). */
void symbol_table_sort(struct symbol_table *table);

bool symbol_table_is_empty(const struct symbol_table *table);

/**
 * The function at an ELF virtual address.
 *
 * @param start  out: where it begins
 * @return its name as it stands in the file, or NULL
 */
const char *symbol_table_find(const struct symbol_table *table, uint64_t address, uint64_t *start);

void symbol_table_free(struct symbol_table *table);

#endif
