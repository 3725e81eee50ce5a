// SPDX-License-Identifier: MIT

/*
 * Where the names of a module are: the file that it was loaded from, if it still is that file, and its debug file, which
 * distributions keep apart. Everything is found by build id; without one, by segments and the debug link's checksum.
 */

#ifndef HEAPTRACE_SYMBOLS_FILES_H
#define HEAPTRACE_SYMBOLS_FILES_H

#include "model.h"
#include "options.h"
#include "symbols_elf.h"

/** What was found. */
struct module_files {
	char *binary;        /* the module's own file, or NULL */
	char *debug;         /* a separate file with symbols or debug info, or NULL */
	const char *remark;  /* NULL, or why there is no `binary`: "file is gone", "file has changed", ... */
};

/**
 * Find a module's files.
 *
 * @param pid  the process: while it lives, its files can be reached through it, also from outside its mount namespace
 */
void module_files_find(struct module_files *files, const struct module *module, int pid, const struct options *options);

void module_files_free(struct module_files *files);

#endif
