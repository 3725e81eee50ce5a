// SPDX-License-Identifier: MIT

/*
 * The functions of include/heaptrace/leak_tracker.h that print figures of the heap. In a seccomp cage nothing is opened:
 * only glibc's figures are known there.
 */

#include "memory_figures.h"
#include "../include/heaptrace/leak_tracker.h"
#include "guest.h"
#include "real.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define API(type, name, ...) \
	EXPORT type figures_##name(__VA_ARGS__) __asm__("heaptrace_memory_" #name "_v1"); \
	EXPORT type figures_##name(__VA_ARGS__)

#define UNKNOWN UINT64_MAX
#define PAGE 4096u
#define RULE "========================================\n"

static struct memory_snapshot remembered; /* of the last capture; threads that capture at once get one of the two */

/* A small file as a string. @return false: it can not be read */
static bool read_file(const char *path, char *content, size_t size)
{
	long fd = load_relaxed(&guest.caged) ? -EPERM : raw_open(path, O_RDONLY | O_CLOEXEC, 0), got;

	content[0] = '\0';
	if (fd < 0)
		return false;
	got = raw_read((int)fd, content, size - 1);
	raw_close((int)fd);
	content[got > 0 ? got : 0] = '\0';
	return got > 0;
}

/* The number at `text`, blanks before it skipped. */
static uint64_t number_at(const char **text)
{
	uint64_t number = 0;
	bool any = false;

	while (**text == ' ' || **text == '\t')
		(*text)++;
	for (; **text >= '0' && **text <= '9'; (*text)++, any = true)
		number = number * 10 + (uint64_t)(**text - '0');
	return any ? number : UNKNOWN;
}

static uint64_t available_memory(void)
{
	char content[4096];
	const char *at;
	uint64_t kilobytes;

	if (!read_file("/proc/meminfo", content, sizeof(content)))
		return UNKNOWN;
	at = strstr(content, "MemAvailable:");
	if (!at)
		return UNKNOWN;
	at += strlen("MemAvailable:");
	kilobytes = number_at(&at);
	return kilobytes == UNKNOWN ? UNKNOWN : kilobytes * 1024;
}

static uint64_t group_figure(const char *group, size_t length, const char *file)
{
	static const char root[] = "/sys/fs/cgroup";
	char path[1024], content[64];
	const char *at = content;

	if (sizeof(root) + length + strlen(file) > sizeof(path))
		return UNKNOWN;
	memcpy(path, root, sizeof(root) - 1);
	memcpy(path + sizeof(root) - 1, group, length);
	memcpy(path + sizeof(root) - 1 + length, file, strlen(file) + 1);
	return read_file(path, content, sizeof(content)) ? number_at(&at) : UNKNOWN; /* "max" is no number */
}

/* What the control group and those above it leave (version 2). */
static uint64_t left_by_group(void)
{
	char content[1024];
	uint64_t left = UNKNOWN;
	const char *group;

	if (!read_file("/proc/self/cgroup", content, sizeof(content)))
		return UNKNOWN;
	group = strstr(content, "0::/");
	if (!group)
		return UNKNOWN;
	group += strlen("0::");
	for (size_t length = strcspn(group, "\n");; ) {
		uint64_t limit = group_figure(group, length, "/memory.max");
		uint64_t used = group_figure(group, length, "/memory.current");

		if (limit != UNKNOWN && used != UNKNOWN && (used > limit ? 0 : limit - used) < left)
			left = used > limit ? 0 : limit - used;
		if (!length)
			return left;
		while (length && group[--length] != '/')
			;
	}
}

static void read_process(struct memory_snapshot *snapshot)
{
	char content[128];
	const char *at = content;
	uint64_t size, resident;

	snapshot->process_size = snapshot->process_resident = UNKNOWN;
	if (!read_file("/proc/self/statm", content, sizeof(content)))
		return;
	size = number_at(&at);
	resident = number_at(&at);
	if (size != UNKNOWN && resident != UNKNOWN) {
		snapshot->process_size = size * PAGE;
		snapshot->process_resident = resident * PAGE;
	}
}

static void read_heap(struct memory_snapshot *snapshot)
{
	struct mallinfo2_figures figures;

	snapshot->heap_used = snapshot->heap_free = snapshot->heap_free_top = snapshot->heap_free_parts = UNKNOWN;
	snapshot->mapped = snapshot->mapped_blocks = UNKNOWN;
	if (!guest.glibc || !real.mallinfo2)
		return;
	figures = real.mallinfo2();
	snapshot->heap_used = figures.uordblks;
	snapshot->heap_free = figures.fordblks;
	snapshot->heap_free_top = figures.keepcost;
	snapshot->heap_free_parts = figures.ordblks + figures.smblks;
	snapshot->mapped = figures.hblkhd;
	snapshot->mapped_blocks = figures.hblks;
}

static void capture(struct memory_snapshot *snapshot)
{
	uint64_t available = available_memory(), left = left_by_group();

	read_heap(snapshot);
	read_process(snapshot);
	snapshot->system_free = available < left ? available : left;
}

static bool traced(void)
{
	guest_start();
	return load_acquire(&guest.status) == GUEST_ACTIVE && thread_get();
}

static void write_kilobytes(struct request *out, const char *name, uint64_t bytes)
{
	request_string(out, name);
	if (bytes == UNKNOWN) {
		request_string(out, "n/a\n");
		return;
	}
	request_decimal(out, bytes / 1024, 0, ' ');
	request_string(out, " KB\n");
}

static void write_number(struct request *out, const char *name, uint64_t number)
{
	request_string(out, name);
	if (number == UNKNOWN)
		request_string(out, "n/a");
	else
		request_decimal(out, number, 0, ' ');
	request_string(out, "\n");
}

void memory_figures_write_status(struct request *out)
{
	struct memory_snapshot now;

	capture(&now);
	write_kilobytes(out, "  Heap free: ", now.heap_free);
	write_kilobytes(out, "  System free: ", now.system_free);
}

/* Figures of now, and the head of the text about them. False: not traced. */
static bool begin(struct request *out, int fd, const char *title, const char *label, struct memory_snapshot *now)
{
	if (!traced())
		return false;
	capture(now);
	request_text_begin(out, fd);
	request_string(out, RULE "   ");
	request_string(out, title);
	if (label && *label) {
		request_string(out, ": ");
		request_string(out, label);
	}
	request_string(out, "\n" RULE);
	return true;
}

static int end(struct request *out)
{
	request_string(out, RULE);
	return request_text_end(out);
}

API(int, capture, struct memory_snapshot *snapshot, size_t size)
{
	struct memory_snapshot now;

	if (!traced())
		return -1;
	capture(&now);
	remembered = now;
	memcpy(snapshot, &now, size < sizeof(now) ? size : sizeof(now));
	return 0;
}

API(int, stats, int fd, const char *label, const struct memory_snapshot *unused, size_t size)
{
	struct memory_snapshot now;
	struct request out;

	if (!begin(&out, fd, "MEMORY STATS", label, &now))
		return -1;
	write_kilobytes(&out, "Heap used: ", now.heap_used);
	write_kilobytes(&out, "Heap free: ", now.heap_free);
	write_kilobytes(&out, "Mapped blocks: ", now.mapped);
	write_kilobytes(&out, "Process size: ", now.process_size);
	write_kilobytes(&out, "Process resident: ", now.process_resident);
	write_kilobytes(&out, "System free: ", now.system_free);
	return end(&out);
}

/* "+12 bytes", "-3 bytes" */
static void write_change(struct request *out, const char *name, uint64_t before, uint64_t now)
{
	if (before == UNKNOWN || now == UNKNOWN) {
		write_kilobytes(out, name, UNKNOWN);
		return;
	}
	request_string(out, name);
	request_string(out, now >= before ? "+" : "-");
	request_decimal(out, now >= before ? now - before : before - now, 0, ' ');
	request_string(out, " bytes\n");
}

API(int, delta, int fd, const char *label, const struct memory_snapshot *before, size_t size)
{
	struct memory_snapshot now, then = remembered;
	struct request out;

	if (!begin(&out, fd, "MEMORY DELTA", label, &now))
		return -1;
	if (before)
		memcpy(&then, before, size < sizeof(then) ? size : sizeof(then));
	write_change(&out, "Heap used: ", then.heap_used, now.heap_used);
	write_change(&out, "Heap free: ", then.heap_free, now.heap_free);
	write_change(&out, "Mapped blocks: ", then.mapped, now.mapped);
	write_change(&out, "Process resident: ", then.process_resident, now.process_resident);
	write_change(&out, "System free: ", then.system_free, now.system_free);
	return end(&out);
}

/* The part of the free memory that can not be given back from the heap's end, in hundredths of a per cent. */
static uint64_t fragmentation(const struct memory_snapshot *now)
{
	if (!now->heap_free || now->heap_free_top > now->heap_free)
		return 0;
	return (now->heap_free - now->heap_free_top) * 10000 / now->heap_free;
}

API(int, fragmentation, int fd, const char *label, const struct memory_snapshot *unused, size_t size)
{
	struct memory_snapshot now;
	struct request out;

	if (!begin(&out, fd, "HEAP FRAGMENTATION", label, &now))
		return -1;
	write_kilobytes(&out, "Heap free: ", now.heap_free);
	write_number(&out, "Free pieces: ", now.heap_free_parts);
	write_kilobytes(&out, "Free at the end: ", now.heap_free_top);
	if (now.heap_free != UNKNOWN) {
		uint64_t part = fragmentation(&now);

		request_string(&out, "Fragmentation: ");
		request_decimal(&out, part / 100, 0, ' ');
		request_string(&out, ".");
		request_decimal(&out, part % 100, 2, '0');
		request_string(&out, " %\n");
	}
	return end(&out);
}
