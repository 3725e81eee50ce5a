// SPDX-License-Identifier: MIT

/* Functions that hand memory on: see allocators.h. Functions of C are looked up in a list, C++'s library has rules. */

#include "allocators.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "options.h"
#include "rules.h"

/** Names without return type and parameters; a `*` at the end stands for anything. */
static const char *const names[] = {
	/* allocators, and what libc allocates for its caller */
	"malloc", "calloc", "realloc", "reallocarray", "memalign", "posix_memalign", "aligned_alloc", "valloc", "pvalloc",
	"__libc_malloc", "__libc_calloc", "__libc_realloc", "__libc_memalign", "__libc_valloc", "__libc_pvalloc",
	"operator new", "operator new[]", "__cxa_allocate_exception",
	"strdup", "strndup", "wcsdup", "asprintf", "vasprintf", "__strdup", "__strndup", "__asprintf", "__vasprintf_internal",
	"__asprintf_chk", "__vasprintf_chk",
	"je_malloc*", "je_calloc*", "je_realloc*", "mi_malloc*", "mi_calloc*", "mi_realloc*", "mi_zalloc*", "mi_new*",
	"tc_malloc*", "tc_calloc*", "tc_realloc*", "tc_new*",
	/* the usual names of wrappers that do not return without memory */
	"xmalloc*", "xcalloc*", "xrealloc*", "xzalloc*", "xnmalloc", "xnrealloc", "x2realloc", "x2nrealloc", "xpalloc",
	"xcharalloc", "xinmalloc", "xinrealloc", "ximalloc", "xicalloc", "xirealloc", "xreallocarray", "xireallocarray",
	"xmemdup*", "ximemdup*", "xstrdup*", "xstrndup*", "xasprintf", "xvasprintf", "do_xmalloc*", "sh_xmalloc",
	"sh_xrealloc", "safe_malloc", "safe_calloc", "safe_realloc", "safe_strdup", "safemalloc", "saferealloc",
	"emalloc", "ecalloc", "erealloc", "estrdup", "checked_malloc",
	/* glib */
	"g_malloc*", "g_realloc*", "g_try_malloc*", "g_try_realloc*", "g_aligned_alloc*", "g_slice_alloc*", "g_slice_copy",
	"g_strdup*", "g_strndup", "g_strconcat", "g_memdup*",
	/* perl, python, ruby, php, lua, tcl */
	"Perl_safesys*", "Perl_savepv*", "Perl_malloc", "Perl_calloc", "Perl_realloc",
	"PyMem_*", "_PyMem_*", "PyObject_Malloc", "PyObject_Calloc", "PyObject_Realloc", "_PyObject_Malloc",
	"_PyObject_Calloc", "_PyObject_Realloc", "pymalloc_alloc", "pymalloc_realloc", "_PyObject_GC_Malloc",
	"_PyObject_GC_Calloc", "_PyObject_GC_Alloc", "_PyObject_GC_New*", "_PyObject_GC_Resize", "gc_alloc", "_PyObject_New*",
	"PyType_GenericAlloc", "_PyType_AllocNoTrack",
	"ruby_xmalloc*", "ruby_xcalloc*", "ruby_xrealloc*", "rb_xmalloc*", "rb_xcalloc*", "rb_xrealloc*",
	"objspace_xmalloc*", "objspace_xcalloc*", "objspace_xrealloc*",
	"__zend_malloc", "__zend_calloc", "__zend_realloc", "_emalloc*", "_ecalloc*", "_erealloc*", "_estrdup*",
	"_safe_malloc", "_safe_emalloc", "_safe_realloc",
	"l_alloc", "luaM_*", "Tcl_Alloc", "Tcl_Realloc", "Tcl_AttemptAlloc", "TclpAlloc", "TclpRealloc",
	/* libraries and servers */
	"sqlite3_malloc*", "sqlite3_realloc*", "sqlite3Malloc*", "sqlite3Realloc*", "sqlite3MemMalloc", "sqlite3MemRealloc",
	"sqlite3DbMalloc*", "sqlite3DbRealloc*", "sqlite3DbStrDup", "sqlite3DbStrNDup", "sqlite3DbSpanDup",
	"sqlite3PageMalloc", "dbMallocRawFinish", "dbReallocFinish", "mallocWithAlarm", "pcache1Alloc",
	"zmalloc*", "zcalloc*", "zrealloc*", "ztrymalloc*", "ztrycalloc*", "ztryrealloc*", "zstrdup",
	"ngx_alloc", "ngx_calloc", "ngx_memalign", "git__malloc", "git__calloc", "git__realloc", "git__strdup",
	"CRYPTO_malloc", "CRYPTO_zalloc", "CRYPTO_realloc", "CRYPTO_clear_realloc", "CRYPTO_strdup", "CRYPTO_strndup",
	"CRYPTO_memdup", "CRYPTO_secure_malloc", "CRYPTO_secure_zalloc",
	"xmlMallocLoc", "xmlMemMalloc", "xmlMemRealloc", "xmlMemStrdupLoc", "xmlMemoryStrdup", "xmlStrdup", "xmlStrndup",
	"av_malloc*", "av_calloc", "av_realloc*", "av_strdup", "av_memdup", "bfd_malloc*", "bfd_zmalloc*", "bfd_realloc*",
	"QArrayData::allocate*", "QArrayData::reallocate*", "llvm::safe_malloc", "llvm::safe_calloc", "llvm::safe_realloc",
	"llvm::allocate_buffer",
	/* rust */
	"__rust_alloc*", "__rust_realloc", "__rdl_*", "__rg_*", "alloc::alloc::*", "alloc::raw_vec::*",
	"<alloc::alloc::Global as *", "<alloc::raw_vec::*",
};

/** What --wrapper adds. */
static struct patterns wrappers;

void allocators_use(const struct patterns *patterns)
{
	wrappers = *patterns;
}

static bool is_users_wrapper(const char *function)
{
	for (size_t i = 0; i < wrappers.count; i++) {
		const struct rule rule = { .pattern = wrappers.texts[i], .leak = true };

		if (rule_matches(&rule, function))
			return true;
	}
	return false;
}

/** A function's name without what stands around it: return type, parameters, a compiler's ".part.0". */
struct bare {
	const char *start, *end;
	const char *last; /* its last component, behind the last :: */
};

/** Over one bracketed part, nested ones included. @return behind it */
static const char *skip_brackets(const char *c)
{
	unsigned depth = 0;

	for (; *c; c++) {
		if (*c == '<' || *c == '(' || *c == '{' || *c == '[')
			depth++;
		else if ((*c == '>' && c[-1] != '-') || *c == ')' || *c == '}' || *c == ']')
			depth--;
		if (!depth)
			return c + 1;
	}
	return c;
}

/** Over "operator" and what it overloads; brackets are no brackets there. @return behind it, or `c` if it is none */
static const char *skip_operator(const char *c)
{
	static const char word[] = "operator";
	const char *symbol = c + sizeof(word) - 1;

	if (strncmp(c, word, sizeof(word) - 1) != 0 || isalnum((unsigned char)*symbol) || *symbol == '_')
		return c;
	if (*symbol == ' ')
		return symbol + strcspn(symbol, "(");
	if (symbol[0] == '(' && symbol[1] == ')')
		return symbol + 2;
	symbol += strspn(symbol, "<>=!+-*/%^&|~[],");
	return symbol[0] == ' ' && symbol[1] == '<' ? symbol + 1 : symbol; /* "operator<< <char>(...)" */
}

static struct bare bare_name(const char *function)
{
	struct bare bare = { function, function, function };
	const char *c = function;

	while (*c) {
		bool begins = c == bare.last;

		if (begins && skip_operator(c) != c) {
			c = skip_operator(c);
		} else if (*c == '(' && !begins) {
			break; /* parameters */
		} else if (*c == '<' || *c == '(' || *c == '{') {
			c = skip_brackets(c);
		} else if (*c == ' ') {
			if (c[1] == '[')
				break; /* " [clone .part.0]" */
			bare.start = bare.last = ++c;
		} else if (c[0] == ':' && c[1] == ':') {
			bare.last = c += 2;
		} else if (*c == '.' && bare.last == bare.start && c > bare.start) {
			break;
		} else {
			c++;
		}
	}
	bare.end = c;
	return bare;
}

static bool matches(const struct bare *bare, const char *pattern)
{
	size_t length = strlen(pattern), have = (size_t)(bare->end - bare->start);

	if (pattern[length - 1] == '*')
		return have >= length - 1 && memcmp(bare->start, pattern, length - 1) == 0;
	return have == length && memcmp(bare->start, pattern, length) == 0;
}

static bool is_listed(const struct bare *bare)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i][0] == *bare->start && matches(bare, names[i]))
			return true;
	}
	return false;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool is_of_cxx_library(const struct bare *bare)
{
	return begins(bare->start, "std::") || begins(bare->start, "__gnu_cxx::");
}

/** It calls what it was given: a thread's function, a lambda. That is the user's code, and may have been inlined into it. */
static bool calls_back(const struct bare *bare)
{
	return begins(bare->last, "_M_invoke") || begins(bare->last, "_M_run") || begins(bare->last, "__invoke") ||
	       begins(bare->last, "operator()");
}

/** A namespace that versions the library, but does not make its members internal. */
static bool is_transparent(const char *component)
{
	return begins(component, "__cxx11::") || begins(component, "__1::") || begins(component, "__gnu_cxx::");
}

/** Whether a part of a qualified name is one of those that are reserved for the library itself. */
static bool has_reserved_component(const struct bare *bare)
{
	const char *c = bare->start;

	while (c < bare->end) {
		if (*c == '_' && !is_transparent(c))
			return true;
		while (c < bare->end && !(c[0] == ':' && c[1] == ':'))
			c = *c == '<' || *c == '(' || *c == '{' ? skip_brackets(c) : c + 1;
		c += 2;
	}
	return false;
}

static bool is_inside_cxx_library(const struct bare *bare)
{
	if (!is_of_cxx_library(bare) || calls_back(bare))
		return false;
	return has_reserved_component(bare) || begins(bare->last, "allocate(") || begins(bare->last, "allocate<") ||
	       begins(bare->last, "allocate[abi:");
}

bool is_allocator_function(const char *function)
{
	struct bare bare = bare_name(function);

	return is_listed(&bare) || is_inside_cxx_library(&bare) || is_users_wrapper(function);
}

bool is_handing_on(const char *function)
{
	struct bare bare = bare_name(function);

	return is_listed(&bare) || (is_of_cxx_library(&bare) && !calls_back(&bare)) || is_users_wrapper(function);
}
