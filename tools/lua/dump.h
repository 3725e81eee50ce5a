// SPDX-License-Identifier: MIT

/* The records as text, in the layout of ESP-IDF's heap_trace_dump(). */

#ifndef HEAPTRACE_LUA_DUMP_H
#define HEAPTRACE_LUA_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"
#include "tracer.h"

/** Write all records with a number above `since`, and the summary. */
void dump_text(struct text *text, const struct tracer *tracer, uint64_t since);

/** The first words of a record: size, address, when. */
void dump_head(struct text *text, const void *address, size_t size, unsigned cpu, uint32_t cycles, bool old_format);

/** " caller t.lua:10 < t.lua:20" */
void dump_lines(struct text *text, const struct tracer *tracer, const struct record *record);

/** "t.lua:10", of a record's innermost line; "[C]" when no line of Lua was running. @return `out` */
const char *dump_caller(const struct tracer *tracer, const struct record *record, char *out, size_t size);

#endif
