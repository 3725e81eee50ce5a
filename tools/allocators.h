// SPDX-License-Identifier: MIT

/*
 * Functions that hand memory on rather than ask for it: entry points of allocators, wrappers around them as programs and
 * libraries have them (xmalloc, g_malloc, PyMem_Malloc, ...), and the insides of the C++ library. At the inner end of a
 * stack they say nothing about who wanted the memory. By name only, so a stripped program keeps its frames.
 */

#ifndef HEAPTRACE_ALLOCATORS_H
#define HEAPTRACE_ALLOCATORS_H

#include <stdbool.h>

struct patterns;

/** Functions that are wrappers too, by --wrapper's patterns. They hold until the next call. */
void allocators_use(const struct patterns *wrappers);

/** Whether pictures leave the function out at the inner end of a stack: allocator, wrapper, inside of the C++ library. */
bool is_allocator_function(const char *function);

/** The same, and all else of the C++ library: vector's push_back() is in the picture, but it is not who asked for memory. */
bool is_handing_on(const char *function);

#endif
