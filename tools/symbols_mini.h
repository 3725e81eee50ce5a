// SPDX-License-Identifier: MIT

/*
 * "Mini debug info": the symbols that a stripped file leaves out of .dynsym, as a compressed ELF file in its section
 * .gnu_debugdata. Fedora and its relatives ship all their programs so.
 */

#ifndef HEAPTRACE_SYMBOLS_MINI_H
#define HEAPTRACE_SYMBOLS_MINI_H

#include "symbols_elf.h"

/**
 * Unpack it.
 *
 * @param name  of the module, for messages
 * @return the file in it, or NULL if there is none that can be read
 */
struct elf_file *mini_open(struct elf_file *file, const char *name);

#endif
