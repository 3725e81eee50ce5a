// SPDX-License-Identifier: MIT

/*
 * Programs that would not survive this library are spared it: exec hands them an environment whose LD_PRELOAD lacks
 * our entries. All others get what they were given.
 *
 * Everything here is fit for signal handlers and vfork children, and takes nothing but stack. Where that is short, or
 * may be, and in a cage, the program is not spared.
 */

#ifndef HEAPTRACE_SPARE_H
#define HEAPTRACE_SPARE_H

#include <stdbool.h>
#include <stddef.h>

/** How large a spared program's environment is. */
struct spare_needs {
	size_t pointers; /* with the NULL at the end */
	size_t bytes;    /* of variables that are not handed on as they are */
};

/** May exec's hooks make system calls and use 2 KiB of stack? */
bool spare_may_look(void);

/** Is a program to be spared? @param directory, path  as execveat() has them; NULL and "" are none */
bool spare_file(int directory, const char *path);

/** The same for what execvp() would take: a path, or a name to be looked up in PATH. */
bool spare_in_path(const char *file);

/** What the environment for a spared program takes. False: it needs no other, or the stack does not bear one. */
bool spare_needs(struct spare_needs *needs, char *const environment[]);

/**
 * Make that environment.
 *
 * @param out   room for needs->pointers
 * @param text  room for needs->bytes; `out` points into it
 */
void spare_environment(const struct spare_needs *needs, char *const environment[], char **out, char *text);

#endif
