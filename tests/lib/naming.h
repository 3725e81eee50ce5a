// SPDX-License-Identifier: MIT

/* Naming single addresses of programs that a test has built. */

#ifndef HEAPTRACE_TESTS_NAMING_H
#define HEAPTRACE_TESTS_NAMING_H

#include <stdbool.h>

#include "../../tools/model.h"
#include "../../tools/options.h"

/** Run a shell command in a directory, its output in the file `log` there. @return whether it succeeded */
bool naming_run(const char *directory, const char *command);

/** Whether a program is in PATH. */
bool naming_have(const char *program);

/** A model with one module and one frame in it. */
struct fixture {
	struct model model;
	struct module module;
	struct ht_phdr phdrs[16];
	struct frame frame;
	struct frame *link;
};

/** Make the module as the guest would have recorded it: loaded from `path`, identified as the file `original`. */
void naming_identify(struct fixture *fixture, const char *path, const char *original);

/** "function file:line;..." of an address, innermost first; functions that are inlined in parentheses. To be freed. */
char *naming_describe(struct fixture *fixture, uint64_t address, uint64_t bias, const struct options *options);

#endif
