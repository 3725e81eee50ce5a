// SPDX-License-Identifier: MIT

/*
 * ESP-IDF 5's layout, or that of 4.4 when HEAPTRACE_DUMP_FORMAT is v4.4. Where it has the addresses of callers, there are
 * lines of Lua here: "caller inner.lua:10 < outer.lua:20".
 */

#include "dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

static int line_text(const struct tracer *tracer, struct lua_line line, char *out, size_t size)
{
	const char *file = lines_file(&tracer->lines, line);

	return line.line ? snprintf(out, size, "%s:%d", file, line.line) : snprintf(out, size, "%s:?", file);
}

const char *dump_caller(const struct tracer *tracer, const struct record *record, char *out, size_t size)
{
	if (record->line_count)
		line_text(tracer, record->lines[0], out, size);
	else
		snprintf(out, size, "[C]");
	return out;
}

void dump_lines(struct text *text, const struct tracer *tracer, const struct record *record)
{
	char name[128];

	text_add(text, " caller %s", record->grown ? "(grown after) " : "");
	if (!record->line_count)
		text_add(text, "[C]");
	for (unsigned i = 0; i < record->line_count; i++) {
		line_text(tracer, record->lines[i], name, sizeof(name));
		text_add(text, "%s%s", i ? " < " : "", name);
	}
}

void dump_head(struct text *text, const void *address, size_t size, unsigned cpu, uint32_t cycles, bool old_format)
{
	text_add(text, "%*zd bytes (@ %p) allocated CPU %u ccount 0x%08x", old_format ? 0 : 6, size, address, cpu, cycles);
}

static void add_record(struct text *text, const struct tracer *tracer, const struct record *record, bool old_format)
{
	dump_head(text, record->address, record->size, record->cpu, record->cycles, old_format);
	dump_lines(text, tracer, record);
	/* Whoever frees is the garbage collector: there is no line to name. */
	text_add(text, record->freed ? " freed\n" : "\n");
}

static void add_bytes(struct text *text, const struct tracer_summary *summary)
{
	if (summary->mode == MODE_ALL)
		text_add(text, "%zu bytes alive in trace (%zu/%zu allocations)\n", (size_t)summary->bytes,
			 (size_t)summary->alive,
			 (size_t)summary->count);
	else
		text_add(text, "%zu bytes 'leaked' in trace (%zu allocations)\n", (size_t)summary->bytes,
			 (size_t)summary->count);
}

static void add_overflow(struct text *text, const struct tracer_summary *summary, bool old_format)
{
	if (!summary->evicted)
		return;
	text_add(text, "(NB: %sBuffer has overflowed, so trace data is incomplete.)\n", old_format ? "" : "Internal ");
	text_add(text, "(NB: %zu records evicted; raise num_records to at least %zu.)\n", (size_t)summary->evicted,
		 (size_t)summary->needed);
}

static void add_summary(struct text *text, const struct tracer_summary *summary)
{
	text_add(text, "====== Heap Trace Summary ======\nMode: Heap Trace %s\n",
		 summary->mode == MODE_ALL ? "All" : "Leaks");
	add_bytes(text, summary);
	text_add(text, "records: %zu (%zu capacity, %zu high water mark)\n", (size_t)summary->count,
		 (size_t)summary->capacity, (size_t)summary->high_water);
	text_add(text, "total allocations: %zu\ntotal frees: %zu\n", (size_t)summary->allocations, (size_t)summary->frees);
	add_overflow(text, summary, false);
	text_add(text, "================================\n");
}

static void add_records(struct text *text, const struct tracer *tracer, uint64_t since, bool old_format)
{
	const struct recorder *recorder = &tracer->recorder;

	for (const struct record *record = recorder_first(recorder); record; record = recorder_next(recorder, record))
		if (record->sequence > since)
			add_record(text, tracer, record, old_format);
}

void dump_text(struct text *text, const struct tracer *tracer, uint64_t since)
{
	const char *format = getenv("HEAPTRACE_DUMP_FORMAT");
	bool old_format = format && strcmp(format, "v4.4") == 0;
	struct tracer_summary summary;

	tracer_summarize(tracer, &summary);
	text_add(text, old_format ? "%zu allocations trace (%zu entry buffer)\n"
				  : "====== Heap Trace: %zu records (%zu capacity) ======\n",
		 (size_t)summary.count, (size_t)summary.capacity);
	if (tracer->native)
		summary.alive = native_write(text, tracer, since, old_format);
	else
		add_records(text, tracer, since, old_format);
	if (!old_format) {
		add_summary(text, &summary);
		return;
	}
	add_bytes(text, &summary);
	text_add(text, "total allocations %zu total frees %zu\n", (size_t)summary.allocations, (size_t)summary.frees);
	add_overflow(text, &summary, true);
}
