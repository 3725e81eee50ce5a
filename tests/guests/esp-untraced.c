// SPDX-License-Identifier: MIT
// See esp-untraced.h.
// Build: -Iinclude/heaptrace
#include "esp-untraced.h"
