// SPDX-License-Identifier: MIT

/*
 * Memory and hash tables of the host. Running out of memory ends the command with a message and status 125: what the
 * host reads is bounded by the size of the file it reads.
 */

#ifndef HEAPTRACE_MEMORY_H
#define HEAPTRACE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memory_zeroed(size_t count, size_t size);
void *memory_resize(void *old, size_t count, size_t size);
char *memory_copy_string(const char *string);

/** Copy `size` bytes and put a NUL behind them. */
char *memory_copy_bytes(const void *bytes, size_t size);

/** printf into new memory. */
__attribute__((format(printf, 1, 2)))
char *memory_format(const char *format, ...);

/** Make room for one more item: `*room` grows in powers of two. @return the (moved) array */
void *memory_grow(void *array, size_t count, size_t *room, size_t size);

/** A hash table from pairs of numbers to a number; empty when zeroed. */
struct table {
	struct table_slot *slots;
	size_t used, mask;
};

/**
 * The value of a key, to be read or set; a new key's is 0.
 *
 * @param fresh  out: the key was not there before
 * @return valid until the next call
 */
uint32_t *table_at(struct table *table, uint64_t a, uint64_t b, bool *fresh);

/** The value of a key, or NULL. */
const uint32_t *table_find(const struct table *table, uint64_t a, uint64_t b);

void table_free(struct table *table);

/** A set of strings, each kept once at an address that never changes; empty when zeroed. */
struct strings {
	struct string_slot *slots;
	size_t used, mask;
};

/** The one copy of a string. */
const char *strings_keep(struct strings *strings, const char *string);

void strings_free(struct strings *strings);

#endif
