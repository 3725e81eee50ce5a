// SPDX-License-Identifier: MIT

/*
 * Names as people write them. libiberty knows all manglings; what it does not know stays as it is. Its C++ demangler
 * recurses: longer names than any compiler's limit are not given to it.
 */

#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "symbols.h"

#define LONGEST 65536

/** D names are _D followed by a digit or Q, and `_Dmain`; everything else that begins so is somebody's C. */
static bool is_d(const char *symbol)
{
	return !strncmp(symbol, "_D", 2) && ((symbol[2] >= '0' && symbol[2] <= '9') || symbol[2] == 'Q' ||
					     !strcmp(symbol, "_Dmain"));
}

static char *demangled(const char *symbol)
{
	const int style = DMGL_PARAMS | DMGL_ANSI;
	char *name = NULL;

	if (!strncmp(symbol, "_R", 2))
		return rust_demangle(symbol, style);
	if (is_d(symbol))
		return dlang_demangle(symbol, style);
	if (!strncmp(symbol, "_Z", 2) || !strncmp(symbol, "___Z", 4) || !strncmp(symbol, "_GLOBAL_", 8)) {
		name = rust_demangle(symbol, style);
		if (!name)
			name = cplus_demangle_v3(symbol, style);
	}
	return name;
}

/** A compiler's clone keeps its suffix: "f.cold", "f.constprop.0", if the demangler does not know it. */
static char *demangled_clone(const char *symbol)
{
	const char *dot = strchr(symbol, '.');
	char *stem, *name, *whole;
	size_t length;

	if (!dot || dot == symbol)
		return NULL;
	stem = memory_copy_bytes(symbol, (size_t)(dot - symbol));
	name = demangled(stem);
	free(stem);
	if (!name)
		return NULL;
	length = strlen(name);
	whole = memory_resize(name, length + strlen(dot) + 1, 1);
	strcpy(whole + length, dot);
	return whole;
}

char *demangle(const char *symbol)
{
	char *name = NULL;

	if (symbol[0] == '_' && strlen(symbol) < LONGEST) {
		name = demangled(symbol);
		if (!name)
			name = demangled_clone(symbol);
	}
	return name ? name : memory_copy_string(symbol);
}
