// SPDX-License-Identifier: MIT

/*
 * Can a program be traced? A preloaded library reaches only what the dynamic loader starts; everything else is refused
 * before it runs, with the reason and the remedy.
 */

#ifndef HEAPTRACE_TARGET_H
#define HEAPTRACE_TARGET_H

#include <stdbool.h>
#include <stddef.h>

/** What a check found. */
struct target {
	char path[4096];    /* the file to execute */
	int exit_code;      /* 0: can be traced; EXIT_HEAPTRACE: cannot, but could be run; else EXIT_NOT_* */
	const char *reason; /* why not, in a word or two ("static program"), NULL if it can */
	bool bare;          /* if it is run all the same, then without our library in LD_PRELOAD, which it would not survive */
	char text[1024];    /* the same for people: what, why, do this */
};

/**
 * Find PROGRAM as execvp() does and check it, and the interpreters of scripts.
 *
 * @param library  path of libheaptrace.so: the program's class and machine have to be the same
 * @return exit_code
 */
int target_find(struct target *target, const char *program, const char *library);

/** Check one file. @return exit_code */
int target_check(struct target *target, const char *path, const char *library);

/** The ELF machine (EM_*) of a file, 0 if it is no ELF file; *elf_class is 1 (32 bit) or 2. */
unsigned target_machine(const char *path, unsigned *elf_class);

#endif
