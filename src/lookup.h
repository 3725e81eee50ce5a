// SPDX-License-Identifier: MIT

/*
 * Symbols of loaded objects, found without dlsym(): dlsym allocates when it finds nothing, leaves a message for the
 * program's dlerror(), and takes the loader's lock.
 */

#ifndef HEAPTRACE_LOOKUP_H
#define HEAPTRACE_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

/** A symbol to look for, and what was found. */
struct lookup_symbol {
	const char *name;
	void **address; /* out: stored unless already set; untouched if there is none */
	size_t *size;   /* out: bytes of the function, may be NULL */
};

/** Which objects to look in. */
enum lookup_scope {
	LOOKUP_NEXT, /* those loaded after this library, in the loader's order (as RTLD_NEXT) */
	LOOKUP_ALL,  /* all but this library */
	LOOKUP_VDSO, /* the kernel's object */
};

/**
 * Look up several symbols in one walk; the first definition wins. Takes the loader's list lock (dl_iterate_phdr), so
 * call it at start-up or with no lock held. Symbols whose *address is set already are left alone.
 */
void lookup_find(enum lookup_scope scope, const struct lookup_symbol *symbols, size_t count);

/** The address that wins the look-up of `name` for the whole program (first definition in any object), or NULL. */
void *lookup_first(const char *name);

/** Addresses of symbols that this library exports itself; 0 where there is none. */
void lookup_self(const char *const *names, size_t count, uint64_t *addresses);

#endif
