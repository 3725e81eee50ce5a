// SPDX-License-Identifier: MIT

/*
 * Files that are made beside their place and put there when they are whole. Where the file system can, such a file has no
 * name until then: whatever kills us, nothing is left.
 */

#ifndef HEAPTRACE_ASIDE_H
#define HEAPTRACE_ASIDE_H

struct aside {
	int fd;     /* to be written to, and read */
	char *name; /* NULL: it has none */
};

/** Begin a file that is to be at `path`. @return 0, or -1 with errno */
int aside_open(struct aside *aside, const char *path);

/**
 * The file is whole: put it to its place, with the rights that were there, or else are usual.
 *
 * @return 0, or -1 with errno: then nothing is there that was not
 */
int aside_keep(struct aside *aside, const char *path);

/** Forget it. errno stays. */
void aside_drop(struct aside *aside);

#endif
