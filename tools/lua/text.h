// SPDX-License-Identifier: MIT

/* Text that grows in memory from the kernel: making a dump allocates nothing that could be in it. */

#ifndef HEAPTRACE_LUA_TEXT_H
#define HEAPTRACE_LUA_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *memory;
	size_t used, room;
	bool failed; /* there was no more memory: the rest is missing */
};

/** Add to the text, as printf does. */
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Write everything but marks of addresses ("\1ADDRESS\n"). @return 0 or an errno value */
int text_write(const struct text *text, int fd);

/** Give the memory back. */
void text_free(struct text *text);

#endif
