// SPDX-License-Identifier: MIT
// See esp-untraced.h.
// Build: -Iinclude/heaptrace -no-pie -fno-pie
#include "esp-untraced.h"
