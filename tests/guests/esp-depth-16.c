// SPDX-License-Identifier: MIT
// A program whose records have 16 frames.
// Build: -Iinclude/heaptrace
#define CONFIG_HEAP_TRACING_STACK_DEPTH 16
#include "esp-depth.h"
