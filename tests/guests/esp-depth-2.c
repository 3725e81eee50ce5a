// SPDX-License-Identifier: MIT
// A program whose records have 2 frames.
// Build: -Iinclude/heaptrace
#define CONFIG_HEAP_TRACING_STACK_DEPTH 2
#include "esp-depth.h"
