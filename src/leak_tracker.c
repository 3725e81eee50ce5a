// SPDX-License-Identifier: MIT

/*
 * The memory leak tracker (include/heaptrace/leak_tracker.h): a session of its own, and a report. The session keeps
 * backtraces with its records; which of them count is kept here, for the program says how many there may be at a time.
 */

#include "../include/heaptrace/leak_tracker.h"
#include "guest.h"
#include "memory_figures.h"
#include "request.h"
#include "session.h"

#include <errno.h>
#include <string.h>

#define API(type, name, ...) \
	EXPORT type tracker_##name(__VA_ARGS__) __asm__("heaptrace_leak_tracker_" #name "_v1"); \
	EXPORT type tracker_##name(__VA_ARGS__)

#define DEPTH 24u
#define GROWTH_LIMIT (1u << 20)
#define RULE "========================================\n"

static struct session session;
static bool changing;          /* [atomic] a thread starts or ends */
static uint8_t *with_backtrace; /* [session lock] of each slot: its record has a backtrace */
static size_t with_backtrace_size, with_backtrace_used;
static size_t heap_records;
static uint64_t backtraces_wanted, backtraces_held, backtraces_captured; /* [session lock] */

/* A report that is being written. */
struct report {
	struct request *out;
	const struct session_snapshot *snapshot;
	struct leak_tracker_stats stats;
};

static void changed(struct session *from, uint32_t slot, const struct record *record, const struct session_event *event)
{
	if (slot >= with_backtrace_size)
		return;
	if (slot >= with_backtrace_used)
		with_backtrace_used = slot + 1;
	backtraces_held -= with_backtrace[slot];
	with_backtrace[slot] = record && backtraces_held < backtraces_wanted && record->allocated_depth;
	backtraces_held += with_backtrace[slot];
	backtraces_captured += with_backtrace[slot];
}

/* Whoever was about to change something is not in this child. */
static void forked(struct session *from)
{
	changing = false;
}

static const struct session_listener listener = {.changed = changed, .forked = forked};

static void say(const char *text)
{
	raw_call(SYS_write, 2, text, strlen(text), 0);
}

static bool begin_change(void)
{
	guest_start();
	return load_acquire(&guest.status) == GUEST_ACTIVE && thread_get() &&
	       !__atomic_exchange_n(&changing, true, __ATOMIC_ACQUIRE);
}

static uint32_t limit_of(size_t records)
{
	if (records > RECORDS_MAX / 16)
		return RECORDS_MAX;
	return records * 16 < GROWTH_LIMIT ? GROWTH_LIMIT : (uint32_t)records * 16;
}

/* The marks are kept from one run to the next: in a cage nothing can be given back. */
static bool make_marks(uint32_t count)
{
	if (with_backtrace_size >= count) {
		memset(with_backtrace, 0, with_backtrace_used);
		with_backtrace_used = 0;
		return true;
	}
	if (with_backtrace)
		memory_unmap(with_backtrace, with_backtrace_size);
	with_backtrace = memory_map(count);
	with_backtrace_size = with_backtrace ? count : 0;
	with_backtrace_used = 0;
	return with_backtrace;
}

static const char *start(size_t records, size_t backtraces)
{
	struct session_options options = {.policy = SESSION_GROW, .capacity = (uint32_t)records, .limit = limit_of(records),
					  .depth = DEPTH, .listener = &listener};

	if (session.state != SESSION_NONE)
		return "Leak tracker already running\n";
	if (!records)
		return "Leak tracker not started: it needs at least one heap record\n";
	if (records > RECORDS_MAX || !make_marks(options.limit) || session_open(&session, &options))
		return "Leak tracker not started: no memory for so many records\n";
	heap_records = records;
	backtraces_wanted = backtraces;
	backtraces_held = backtraces_captured = 0;
	if (session_start(&session, SESSION_LEAKS) == 0)
		return NULL;
	session_close(&session);
	return "Leak tracker not started: not inside of a signal handler\n";
}

API(int, start, size_t records, size_t backtraces)
{
	const char *problem;

	if (!begin_change()) {
		say("Leak tracker not started: this program is not traced, or another thread starts it\n");
		return 0;
	}
	problem = start(records, backtraces);
	store_release(&changing, false);
	if (problem)
		say(problem);
	return !problem;
}

static void text(struct report *report, const char *string)
{
	request_string(report->out, string);
}

static void decimal(struct report *report, uint64_t number)
{
	request_decimal(report->out, number, 0, ' ');
}

static void line(struct report *report, const char *before, uint64_t number, const char *after)
{
	text(report, before);
	decimal(report, number);
	text(report, after);
}

/* Freed by another thread while we were about to look. */
static bool is_leak(const struct record *record)
{
	return record->state == RECORD_LIVE;
}

static void count(struct report *report, uint32_t index, const uint8_t *marks)
{
	const struct record *record = session_snapshot_record(report->snapshot, index);
	struct leak_tracker_stats *stats = &report->stats;

	if (!is_leak(record))
		return;
	stats->leaks++;
	stats->bytes += record->size;
	stats->backtraces_found += marks[index];
	switch (report->snapshot->regions[index]) {
	case REGION_HEAP: stats->heap++; break;
	case REGION_ARENA: stats->arenas++; break;
	case REGION_MMAP: stats->mapped++; break;
	default: stats->other++;
	}
}

static void write_backtrace(struct report *report, const struct record *record)
{
	text(report, "Backtrace (frame pointer unwinding):\n  ");
	for (unsigned i = 0; i < record->allocated_depth; i++) {
		if (i)
			text(report, ":");
		request_pointer(report->out, record->frames[i]);
	}
	text(report, "\n");
	for (unsigned i = 0; i < record->allocated_depth; i++)
		request_symbol(report->out, record->frames[i]);
}

static void write_leak(struct report *report, const struct record *record, uint32_t number, uint8_t region, bool mark)
{
	static const char *const labels[] = {
		[REGION_HEAP] = " (heap)\n", [REGION_ARENA] = " (arena)\n", [REGION_MMAP] = " (mmap)\n",
		[REGION_OTHER] = " (other)\n",
	};

	line(report, "--- LEAK #", number, " ---\nAddress: ");
	request_pointer(report->out, record->address);
	text(report, labels[region]);
	line(report, "Size: ", record->size, " bytes\n");
	if (mark)
		write_backtrace(report, record);
	else
		text(report, "Backtrace: (not captured - buffer full or not FreeRTOS heap)\n");
	text(report, "\n");
}

/* Hundredths, as printf's %.2f rounds them. */
static void write_kilobytes(struct report *report, uint64_t bytes)
{
	uint64_t hundredths = bytes / 1024 * 100 + bytes % 1024 * 100 / 1024, rest = bytes % 1024 * 100 % 1024;

	hundredths += rest > 512 || (rest == 512 && hundredths % 2);
	decimal(report, hundredths / 100);
	text(report, ".");
	request_decimal(report->out, hundredths % 100, 2, '0');
	text(report, " KB)\n");
}

/* What would have been enough, if something was not. */
static void write_advice(struct report *report)
{
	const struct leak_tracker_stats *stats = &report->stats;

	if (stats->backtraces_found < stats->leaks) {
		line(report, "  (NB: there was room for ", backtraces_wanted, " backtraces at a time");
		line(report, "; raise backtrace_records to at least ", stats->most_blocks, ".)\n");
	}
	if (stats->lost) {
		line(report, "  (NB: ", stats->lost, " records were lost");
		line(report, "; raise heap_records from ", heap_records, ".)\n");
	}
}

static void write_summary(struct report *report)
{
	const struct leak_tracker_stats *stats = &report->stats;

	text(report, RULE "   LEAK SUMMARY\n" RULE);
	line(report, "Total leaks: ", stats->leaks, " allocations, ");
	line(report, "", stats->bytes, " bytes (");
	write_kilobytes(report, stats->bytes);
	line(report, "  Heap: ", stats->heap, " allocations\n");
	line(report, "  Thread arenas: ", stats->arenas, " allocations\n");
	line(report, "  Mmap: ", stats->mapped, " allocations\n");
	if (stats->other)
		line(report, "  Other: ", stats->other, " allocations\n");
	line(report, "  Backtraces found: ", stats->backtraces_found, " / ");
	line(report, "", stats->leaks, "\n");
	write_advice(report);
	text(report, "\nCurrent heap status:\n");
	memory_figures_write_status(report->out);
	text(report, RULE);
}

static void write_leaks(struct report *report, const uint8_t *marks)
{
	uint32_t number = 0;

	text(report, RULE "   LEAKED ALLOCATIONS\n" RULE);
	line(report, "Heap trace leak records: ", report->stats.leaks, "\n");
	line(report, "Backtraces captured: ", report->stats.backtraces_captured, "\n\n");
	for (uint32_t i = 0; i < report->snapshot->count; i++) {
		const struct record *record = session_snapshot_record(report->snapshot, i);

		if (is_leak(record))
			write_leak(report, record, ++number, report->snapshot->regions[i], marks[i]);
	}
}

/* The marks of the snapshot's records: found by their slots while nothing changes any more. */
static void find_marks(const struct session_snapshot *snapshot, uint8_t *marks)
{
	uint32_t slot = session.records.oldest;

	for (uint32_t i = 0; i < snapshot->count && slot != NO_RECORD; i++) {
		marks[i] = with_backtrace[slot];
		slot = records_slot(&session.records, slot)->newer;
	}
}

/* The session has stopped; @return 0 or a negative errno value */
static int report_on(int fd, struct leak_tracker_stats *stats)
{
	struct session_snapshot snapshot;
	struct request out;
	struct report report = {.out = &out, .snapshot = &snapshot};
	int error = session_snapshot(&session, true, &snapshot);
	uint8_t *marks = error ? NULL : memory_map(snapshot.count + 1);

	if (!error && !marks) {
		session_snapshot_free(&snapshot);
		error = -ENOMEM;
	}
	if (error)
		return error;
	find_marks(&snapshot, marks);
	report.stats = (struct leak_tracker_stats){
		.backtraces_captured = backtraces_captured, .allocations = snapshot.figures.allocations,
		.frees = snapshot.figures.frees, .most_blocks = snapshot.figures.high_water,
		.lost = snapshot.figures.evicted + snapshot.figures.dropped,
	};
	for (uint32_t i = 0; i < snapshot.count; i++)
		count(&report, i, marks);
	if (fd >= 0) {
		request_text_begin(&out, fd);
		write_leaks(&report, marks);
		write_summary(&report);
		error = request_text_end(&out);
	}
	*stats = report.stats;
	memory_unmap(marks, snapshot.count + 1);
	session_snapshot_free(&snapshot);
	return error;
}

static bool end(int fd, struct leak_tracker_stats *stats)
{
	if (session_stop(&session)) {
		say("Leak tracker not running\n");
		return false;
	}
	switch (report_on(fd, stats)) {
	case 0: break;
	case -ENOMEM: say("Leak tracker: no memory for the report\n"); break;
	default: say("Leak tracker: the report could not be written\n");
	}
	session_close(&session);
	return true;
}

API(int, end, int fd, struct leak_tracker_stats *stats, size_t size)
{
	struct leak_tracker_stats found = {0};
	bool ran;

	if (!begin_change()) {
		say("Leak tracker not running\n");
		return 0;
	}
	ran = end(fd, &found);
	store_release(&changing, false);
	if (stats)
		memcpy(stats, &found, size < sizeof(found) ? size : sizeof(found));
	return ran;
}
