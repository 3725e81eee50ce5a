// SPDX-License-Identifier: MIT

/* The memory leak tracker under the name that it has in C++ programs for the ESP32. See leak_tracker.h. */

#ifndef HEAPTRACE_MEMORY_TRACKER_HPP
#define HEAPTRACE_MEMORY_TRACKER_HPP

#include "leak_tracker.h"

#endif
