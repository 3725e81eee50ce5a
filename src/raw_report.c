// SPDX-License-Identifier: MIT

#include "raw_report.h"
#include "cfi.h"
#include "clock.h"
#include "guest.h"
#include "request.h"
#include "totals.h"
#include "traces.h"

#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#define TOP 10u

/* A backtrace among the largest. */
struct entry {
	uint32_t trace;
	uint64_t blocks, bytes;
};

/* "1.045 KB", rounded half up, as the full report has it. */
static void write_size(struct request *out, uint64_t bytes)
{
	static const char *const names[] = {" KB", " MB", " GB", " TB"};
	unsigned i = 0;

	if (bytes < 1000) {
		request_decimal(out, bytes, 0, ' ');
		request_string(out, " bytes");
		return;
	}
	for (; i < 3 && bytes >= 999999500 / 1000; i++)
		bytes = bytes / 1000 + (bytes % 1000 >= 500);
	request_decimal(out, bytes / 1000, 0, ' ');
	request_string(out, ".");
	request_decimal(out, bytes % 1000, 3, '0');
	request_string(out, names[i]);
}

static void write_line(struct request *out, const char *what)
{
	request_string(out, "[heaptrace] ");
	request_string(out, what);
}

static void write_frame(struct request *out, unsigned number, uintptr_t address, bool is_call)
{
	struct object object;

	request_decimal(out, number, 2, ' ');
	request_string(out, " [");
	request_pointer(out, address);
	request_string(out, "]");
	if (object_find(address - is_call, &object)) {
		request_string(out, " ");
		request_string(out, object.path && *object.path ? object.path : guest.arguments[0] ? guest.arguments[0] : "program");
		request_string(out, " (+0x");
		request_hex(out, address - object.bias, 0, ' ');
		request_string(out, ")");
	}
	request_string(out, "\n");
}

static void write_pair(struct request *out, const char *title, uint64_t now, uint64_t peak, bool sizes)
{
	request_string(out, title);
	if (sizes) {
		write_size(out, now);
		request_string(out, "/");
		write_size(out, peak < now ? now : peak);
	} else {
		request_decimal(out, now, 0, ' ');
		request_string(out, "/");
		request_decimal(out, peak < now ? now : peak, 0, ' ');
	}
	request_string(out, "]");
}

static void write_backtrace(struct request *out, unsigned number, const struct entry *entry)
{
	const struct ht_trace *trace = trace_record(entry->trace);
	const struct ht_node *node;
	uint32_t at = trace->node;

	request_string(out, "=== backtrace #");
	request_decimal(out, number, 0, ' ');
	write_pair(out, " === [count/peak: ", entry->blocks, load_relaxed(&trace->peak_blocks), false);
	write_pair(out, " [size/peak: ", entry->bytes, load_relaxed(&trace->peak_bytes), true);
	request_string(out, "\n");
	write_frame(out, 0, guest.process->entries[trace->entry], false);
	for (unsigned i = 1; at && i <= HT_MAX_DEPTH && (node = trace_node(at)); i++, at = node->parent)
		write_frame(out, i, node->address, true);
	request_string(out, "\n");
}

/* Insert into the list of the largest, which is sorted. @return its new length */
static unsigned keep(struct entry *top, unsigned count, const struct entry *entry)
{
	unsigned place = count < TOP ? count : TOP;

	while (place > 0 && top[place - 1].bytes < entry->bytes) {
		if (place < TOP)
			top[place] = top[place - 1];
		place--;
	}
	if (place < TOP)
		top[place] = *entry;
	return count < TOP ? count + 1 : TOP;
}

/* Backtraces with live blocks. */
struct found {
	struct entry top[TOP];
	unsigned kept;
	uint64_t backtraces, bytes;
};

static void find(struct found *found, const struct ht_cell *sums, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct entry entry = {first + i, sums[i].allocated.blocks - sums[i].freed.blocks,
				      sums[i].allocated.bytes - sums[i].freed.bytes};

		if ((int64_t)entry.blocks <= 0 || (int64_t)entry.bytes < 0 || !trace_record(first + i))
			continue;
		found->backtraces++;
		found->bytes += entry.bytes;
		found->kept = keep(found->top, found->kept, &entry);
	}
}

static int write_found(int fd, const struct found *found)
{
	static const char rule[] = "=================================================================\n";
	struct request out = {.socket = -1, .out = fd};

	request_string(&out, rule);
	write_line(&out, "dump allocation status for process ");
	request_decimal(&out, guest.process->pid, 0, ' ');
	request_string(&out, " sorted by size (no collector: addresses for names)\n");
	for (unsigned i = 0; i < found->kept; i++)
		write_backtrace(&out, i + 1, &found->top[i]);
	write_line(&out, "heap traced num of backtrace : ");
	request_decimal(&out, found->backtraces, 0, ' ');
	request_string(&out, "\n");
	write_line(&out, "heap traced allocation size  : ");
	write_size(&out, found->bytes);
	request_string(&out, "\n");
	request_string(&out, rule);
	return request_text_end(&out);
}

int raw_report(int fd)
{
	uint32_t first = load_relaxed(&guest.process->first_trace), end = load_acquire(&guest.process->next_trace);
	size_t size = (size_t)(end - first + 1) * sizeof(struct ht_cell);
	struct ht_cell *sums = raw_mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct found found = {0};

	if (!sums)
		return -ENOMEM;
	totals_by_trace(sums, first, end - first);
	find(&found, sums, first, end - first);
	raw_munmap(sums, size);
	return write_found(fd, &found);
}
