// SPDX-License-Identifier: MIT

/*
 * A backtrace in one line, "function < caller < caller": without the allocator's functions and the wrappers around it,
 * and without what makes names long: arguments and template arguments.
 */

#ifndef HEAPTRACE_TOP_LABEL_H
#define HEAPTRACE_TOP_LABEL_H

#include <stddef.h>

/** "std::vector<int, std::allocator<int> >::push_back(int const&)" as "std::vector<>::push_back". To be freed. */
char *label_short(const char *function);

/**
 * Put a label together.
 *
 * @param functions  innermost first; repeated ones are counted; what allocators.h knows is left out at the beginning, unless there is nothing else
 * @param enough     stop when the label has so many bytes
 * @return to be freed
 */
char *label_make(const char *const *functions, size_t count, size_t enough);

#endif
