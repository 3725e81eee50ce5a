// SPDX-License-Identifier: MIT

/*
 * Source files from .debug_line (DWARF 5), for what addr2line gets wrong there: a sequence begins in file 1, but binutils
 * 2.40 takes file 0. For an inline function of a C++ header that is the file that includes it; after link-time optimisation
 * it is called "<artificial>".
 *
 * libdw knows as much. For 1,000 addresses of a debug file of 95 MB it takes 1.2 s and 399 MB, this 0.2 s and 86 MB; addr2line
 * itself takes 4.4 s, and names are to cost no more than 1.2 times that.
 */

#ifndef HEAPTRACE_SYMBOLS_LINETABLE_H
#define HEAPTRACE_SYMBOLS_LINETABLE_H

#include <stddef.h>
#include <stdint.h>

#include "symbols_elf.h"

/** Where one address lies. */
struct linetable_row {
	uint64_t address;
	char *file;    /* out: its path, to be freed; NULL if unknown */
	unsigned line; /* out: 0 if unknown */
	void *place;   /* the caller's */
};

/**
 * Find rows for addresses.
 *
 * @param rows  sorted by address; without `file` and `line`
 */
void linetable_find(struct elf_file *file, struct linetable_row *rows, size_t count);

#endif
