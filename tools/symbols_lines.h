// SPDX-License-Identifier: MIT

/*
 * Lines and inlined functions: one addr2line for each file, all addresses over its stdin. Tools that speak its language
 * (llvm-addr2line, llvm-symbolizer, eu-addr2line) serve as well.
 */

#ifndef HEAPTRACE_SYMBOLS_LINES_H
#define HEAPTRACE_SYMBOLS_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

/** A place in the source. */
struct line {
	char *function; /* as the tool gave it, not demangled; NULL if unknown */
	char *file;     /* NULL if unknown */
	unsigned line;  /* 0 if unknown */
};

/** The places of one address: innermost inlined function first, the real one last. */
struct place {
	uint64_t address;
	struct line *lines;
	size_t count;   /* 0: no answer */
};

/**
 * Fill in places; those without an answer stay empty. What goes wrong with the tool is said on stderr, once for each
 * thing that can go wrong, and is no error.
 *
 * @param file    the ELF file with the debug info
 * @param name    the module's name, for the progress line
 * @param places  `address` filled in, as ELF virtual addresses
 * @return how many got an answer
 */
size_t lines_find(const char *file, const char *name, struct place *places, size_t count, const struct options *options);

/** Give a tool that hung another chance: it is not asked again after that. */
void lines_forget(void);

/** Free what a place holds. */
void place_clear(struct place *place);

/** The name of the tool without its directory: results of different tools differ. */
const char *lines_tool(const struct options *options);

#endif
