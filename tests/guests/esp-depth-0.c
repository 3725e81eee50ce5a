// SPDX-License-Identifier: MIT
// A program whose records have 0 frames.
// Build: -Iinclude/heaptrace
#define CONFIG_HEAP_TRACING_STACK_DEPTH 0
#include "esp-depth.h"
