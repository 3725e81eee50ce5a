// SPDX-License-Identifier: MIT

/*
 * Programs that do not survive this library in their LD_PRELOAD: libasan ends where another library comes before it,
 * libtsan and the memory sanitizer crash, musl's loader finds no glibc. Their files tell, before they are executed.
 *
 * The hooks of exec and posix_spawn ask, so this is fit for signal handlers and vfork children: 2 KiB of stack, no
 * other memory, no system calls but a few on the files that are about to be executed. What is odd about a file makes
 * it an ordinary one.
 */

#ifndef HEAPTRACE_FRAGILE_H
#define HEAPTRACE_FRAGILE_H

#include <stdbool.h>

/** Stack that these functions take at most. */
#define FRAGILE_STACK 2048

/** Is a file such a program, or a script that one interprets? @param directory, path  as execveat() has them, not "" */
bool fragile_file(int directory, const char *path);

/** The same for what execvp() would find. @param name  without a slash @param directories  the value of PATH */
bool fragile_in_path(const char *name, const char *directories);

#endif
