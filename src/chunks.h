// SPDX-License-Identifier: MIT

/*
 * The guest's side of the segment: windows into it, and taking chunks. Lock-free; any thread, also in a fork child.
 */

#ifndef HEAPTRACE_CHUNKS_H
#define HEAPTRACE_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "segment.h"

/** Bytes that a guest maps at first: little, because programs limit their address space and lock their memory. */
#define CHUNKS_FIRST_WINDOW (16 * HT_GRANULE)

/**
 * Make the first window from a descriptor, which may be closed afterwards.
 * @return the header, or NULL
 */
struct ht_header *chunks_open(int fd);

/**
 * Stand-alone: the file must grow before it is mapped, or a full disk would be a SIGBUS in the program.
 * @param path  absolute; kept
 */
void chunks_grow_file(const char *path);

/**
 * Take a chunk: zeroed but for the head, whose magic is not yet there (chunk_publish()).
 *
 * @param size  bytes, head included; rounded up to granules
 * @return the chunk, or NULL if the segment can not grow
 */
struct ht_chunk *chunk_take(uint32_t kind, uint64_t size, uint32_t first, uint32_t thread);

/** Show a chunk to the reader. */
static inline void chunk_publish(struct ht_chunk *chunk)
{
	__atomic_store_n(&chunk->magic, HT_CHUNK_MAGIC, __ATOMIC_RELEASE);
}

/** Map ahead so that about `bytes` more can be taken without a system call (before the program enters a cage). */
void chunks_reserve(uint64_t bytes);

/** Visit the published chunks of this process that are of a kind. Others may be added meanwhile. */
void chunks_each(uint32_t kind, void (*visit)(const struct ht_chunk *chunk, void *data), void *data);

#endif
