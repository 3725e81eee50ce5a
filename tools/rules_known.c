// SPDX-License-Identifier: MIT

/*
 * What runtimes allocate once and never give back: not what --fail-on-live is asked for. Every program that prints has a
 * buffer of stdio's, every one in C++ a pool for exceptions. Written as valgrind's suppressions, which bind to the
 * allocator's end of the stack, so that a caller's own blocks are never meant.
 */

#include "rules.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

static const char known[] =
	"{\n buffers of stdio (an open FILE itself is not meant)\n Memcheck:Leak\n fun:malloc\n fun:_IO_file_doallocate\n}\n"
	"{\n the C++ library's pool for exceptions\n Memcheck:Leak\n fun:malloc\n obj:*/libstdc++.so*\n obj:*/ld-linux-*.so*\n}\n"
	"{\n the C++ library's pool for exceptions, in two steps\n Memcheck:Leak\n fun:malloc\n obj:*/libstdc++.so*\n"
	" obj:*/libstdc++.so*\n obj:*/ld-linux-*.so*\n}\n"
	"{\n the dynamic linker's tables for threads\n Memcheck:Leak\n fun:*alloc\n obj:*/ld-linux-*.so*\n ...\n"
	" fun:_dl_allocate_tls*\n}\n"
	"{\n locales\n Memcheck:Leak\n fun:*alloc\n obj:*/libc.so.6\n ...\n fun:setlocale\n}\n"
	"{\n time zones\n Memcheck:Leak\n fun:*alloc\n ...\n fun:tzset_internal\n}\n";

struct rules *rules_known(void)
{
	struct rules *rules = memory_zeroed(1, sizeof(*rules));
	struct suppression_reader reader = { 0 };
	struct error error;

	for (const char *line = known; *line;) {
		size_t length = strcspn(line, "\n"), indent = strspn(line, " ");
		char *text = memory_copy_bytes(line + indent, length - indent);
		enum suppression_state state = suppression_read(&reader, text, &error);

		free(text);
		if (state == SUPPRESSION_DONE)
			rules_add_suppression(rules, &reader.suppression);
		else if (state != SUPPRESSION_MORE)
			abort(); /* the text above is wrong */
		line += length + 1;
	}
	return rules;
}
