// SPDX-License-Identifier: MIT
// A program whose records have 32 frames.
// Build: -Iinclude/heaptrace
#define CONFIG_HEAP_TRACING_STACK_DEPTH 32
#include "esp-depth.h"
