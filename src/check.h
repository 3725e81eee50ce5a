// SPDX-License-Identifier: MIT

/*
 * The checking build's door: nothing at all in the normal build.
 */

#ifndef HEAPTRACE_CHECK_H
#define HEAPTRACE_CHECK_H

#include "thread.h"

#ifdef HEAPTRACE_CHECK
#define CHECKING true

/** Compare frames (oldest first) with libunwind's view of the same stack, whose innermost return address is `pc`. */
void check_backtrace(const struct stack_frame *frames, uint32_t count, bool truncated, uintptr_t pc);
#else
#define CHECKING false

INLINE void check_backtrace(const struct stack_frame *frames, uint32_t count, bool truncated, uintptr_t pc)
{
}
#endif

#endif
