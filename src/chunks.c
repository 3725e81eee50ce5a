// SPDX-License-Identifier: MIT

/*
 * The segment's file is far larger than what is mapped. A window is a mapping of a part of it. A new window needs no
 * descriptor: mremap() with an old size of 0 duplicates a shared mapping and may make the copy longer, so the last page
 * of a window reaches as far into the file as one likes. Windows are never unmapped. Two threads that grow at the same
 * time map the same part twice, which costs address space and nothing else.
 */

#include "chunks.h"
#include "guest.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <sys/mman.h>

#define PAGE 4096u
#define MAX_WINDOWS 512u

struct window {
	uint64_t offset;
	uint64_t size;
	char *address; /* [atomic] stored last */
};

static struct window windows[MAX_WINDOWS];
static uint32_t window_count; /* [atomic] */
static const char *file_path; /* stand-alone only */

static void add_window(uint64_t offset, uint64_t size, char *address)
{
	uint32_t i = add_relaxed(&window_count, 1);

	/* Core files need no copy of the segment. */
	raw_madvise(address, size, MADV_DONTDUMP);
	if (i >= MAX_WINDOWS)
		return;
	windows[i].offset = offset;
	windows[i].size = size;
	store_release(&windows[i].address, address);
}

struct ht_header *chunks_open(int fd)
{
	char *address = raw_mmap(CHUNKS_FIRST_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (address)
		add_window(0, CHUNKS_FIRST_WINDOW, address);
	return (struct ht_header *)address;
}

void chunks_grow_file(const char *path)
{
	file_path = path;
}

static uint32_t windows_made(void)
{
	uint32_t count = load_acquire(&window_count);

	return count < MAX_WINDOWS ? count : MAX_WINDOWS;
}

static char *find_window(uint64_t offset, uint64_t size)
{
	for (uint32_t i = windows_made(); i-- > 0;) {
		char *address = load_acquire(&windows[i].address);

		if (address && offset >= windows[i].offset && offset + size <= windows[i].offset + windows[i].size)
			return address + (offset - windows[i].offset);
	}
	return NULL;
}

/* The window that ends last below `offset`: from there the way is shortest. */
static const struct window *nearest_window(uint64_t offset)
{
	const struct window *best = &windows[0];

	for (uint32_t i = 1; i < windows_made(); i++)
		if (load_acquire(&windows[i].address) && windows[i].offset + windows[i].size <= offset + PAGE &&
		    windows[i].offset + windows[i].size > best->offset + best->size)
			best = &windows[i];
	return best;
}

/* Stand-alone: give the file blocks on the disk up to `end`. */
static bool file_reaches(uint64_t end)
{
	uint64_t limit = load_relaxed(&guest.header->limit);

	if (end <= limit)
		return true;
	if (!file_path)
		return false;
	long fd = raw_open(file_path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);

	if (fd < 0)
		return false;
	long failed = raw_call(SYS_fallocate, fd, 0, 0, end);

	raw_close((int)fd);
	while (!failed && limit < end)
		if (__atomic_compare_exchange_n(&guest.header->limit, &limit, end, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			break;
	return !failed;
}

/* Make a window that begins at `offset` and is at least `size` long. */
static char *new_window(uint64_t offset, uint64_t size)
{
	const struct window *base = nearest_window(offset);
	uint64_t from = base->offset + base->size - PAGE;
	uint64_t length = offset / 4 > size ? offset / 4 : size;

	if (offset < from || load_relaxed(&guest.caged))
		return NULL;
	length = length > (64u << 20) ? (64u << 20) : length;
	length = (length + HT_GRANULE - 1) & ~(uint64_t)(HT_GRANULE - 1);
	if (length < size)
		length = (size + HT_GRANULE - 1) & ~(uint64_t)(HT_GRANULE - 1);
	if (!file_reaches(offset + length))
		return NULL;
	long address = raw6(SYS_mremap, (long)(base->address + base->size - PAGE), 0, (long)(offset - from + length),
			    MREMAP_MAYMOVE, 0, 0);

	if (address < 0 && address > -4096)
		return NULL;
	if (offset > from)
		raw_munmap((void *)address, offset - from);
	address += (long)(offset - from);
	add_window(offset, length, (char *)address);
	return (char *)address;
}

struct ht_chunk *chunk_take(uint32_t kind, uint64_t size, uint32_t first, uint32_t thread)
{
	uint64_t rounded = (size + HT_GRANULE - 1) & ~(uint64_t)(HT_GRANULE - 1);
	uint64_t offset = add_relaxed(&guest.header->used, rounded);
	struct ht_chunk *chunk;

	if (!file_path && offset + rounded > guest.header->limit)
		return NULL;
	chunk = (struct ht_chunk *)find_window(offset, rounded);
	if (!chunk)
		chunk = (struct ht_chunk *)new_window(offset, rounded);
	if (!chunk)
		return NULL;
	chunk->kind = kind;
	chunk->size = rounded;
	chunk->process = guest.number;
	chunk->first = first;
	chunk->thread = thread;
	chunk->number = (uint32_t)(offset / HT_GRANULE);
	return chunk;
}

void chunks_reserve(uint64_t bytes)
{
	uint64_t offset = load_relaxed(&guest.header->used);

	if (!find_window(offset, bytes))
		new_window(offset, bytes);
}

void chunks_each(uint32_t kind, void (*visit)(const struct ht_chunk *chunk, void *data), void *data)
{
	uint64_t used = load_acquire(&guest.header->used), size;

	for (uint64_t offset = HT_GRANULE; offset < used; offset += size) {
		const struct ht_chunk *chunk = (const struct ht_chunk *)find_window(offset, HT_GRANULE);

		/* Not mapped here: another process's. Without a head: being made. */
		size = HT_GRANULE;
		if (!chunk || load_acquire(&chunk->magic) != HT_CHUNK_MAGIC)
			continue;
		if (chunk->size >= HT_GRANULE && chunk->size % HT_GRANULE == 0)
			size = chunk->size;
		if (chunk->kind == kind && chunk->process == guest.number)
			visit(chunk, data);
	}
}
