// SPDX-License-Identifier: MIT

/*
 * Loaded objects, as the reader needs them to name addresses later: path, build id, program headers, load bias, and
 * when they came and went. Objects are recorded when the first frame in them is seen.
 */

#ifndef HEAPTRACE_MODULES_H
#define HEAPTRACE_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#include "cfi.h"

/** Number of the module for an object, recording it at first sight; 0 if there was no room. Lock-free. */
uint32_t module_number(const struct object *object);

/** The record of the loaded module that an address lies in, if it has been recorded; the loader is not asked. Lock-free. */
const struct ht_module *module_at(uintptr_t address);

/**
 * After a dlclose: mark the modules that are gone. Their addresses may be taken by another library, so each row and
 * each cached stack made before is void then.
 */
void modules_check(void);

/** A fork child: the records are the parent's; new ones go into chunks of our own. */
void modules_forked(void);

/** Remember the working directory and the executable's path, which the loader does not tell. Once, at start-up. */
void modules_start(void);

#endif
