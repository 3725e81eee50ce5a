// SPDX-License-Identifier: MIT

/*
 * Reading segments and snapshots into memory: see snapshot.h. Only chunks are copied, and of a chunk only what is data:
 * the rest of the file is holes, and stays untouched zero pages in the copy.
 *
 * A live segment changes while it is copied. The order of copying makes the copy consistent: cells first, then traces,
 * then nodes, then modules and processes. A guest writes in the opposite order (a node before the trace that refers to it,
 * a trace before it is counted in a cell), so whatever a copied record refers to has been copied as well.
 *
 * After the copy the file is not looked at again: what has been checked can not change any more.
 */

#include "snapshot_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "memory.h"

#define MAP_FROM (1u << 20)     /* chunks from this size on are mapped, not allocated */
#define PROCESS_MINIMUM offsetof(struct ht_process, entries)

int error_set(struct error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return -1;
}

/** pread until everything is there. @return bytes read, fewer at the end of the file; -1 on error */
static int64_t read_at(int fd, void *to, uint64_t size, uint64_t offset)
{
	uint64_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)to + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

/** First byte of data at or behind `offset`; `end` if there is none. Without support for holes all is data. */
static uint64_t next_data(int fd, uint64_t offset, uint64_t end)
{
	off_t data = lseek(fd, (off_t)offset, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : offset;
	return (uint64_t)data < end ? (uint64_t)data : end;
}

static uint64_t next_hole(int fd, uint64_t offset, uint64_t end)
{
	off_t hole = lseek(fd, (off_t)offset, SEEK_HOLE);

	return hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
}

/** Copy the data of a range into zeroed memory, leaving holes alone. */
static int read_sparse(int fd, uint8_t *to, uint64_t size, uint64_t offset)
{
	uint64_t end = offset + size;

	for (uint64_t at = next_data(fd, offset, end); at < end; at = next_data(fd, at, end)) {
		uint64_t hole = next_hole(fd, at, end);

		if (hole <= at)
			return 0;
		if (read_at(fd, to + (at - offset), hole - at, at) < 0)
			return -1;
		at = hole;
	}
	return 0;
}

/** A snapshot's header has to be right; of a live segment's, which its program may have scribbled over, little is used. */
static int check_limits(struct snapshot *snapshot, struct error *error)
{
	const struct ht_header *header = &snapshot->header;

	if (header->kind == HT_LIVE_SEGMENT) {
		snapshot->corrupt += header->header_size != HT_GRANULE || header->granule != HT_GRANULE;
		return 0;
	}
	if (header->header_size < sizeof(*header) || header->header_size % 64)
		return error_set(error, "%s is corrupt: its header makes no sense; take a new snapshot", snapshot->name);
	if (header->used > snapshot->file_size)
		return error_set(error, "%s is truncated: it has %llu of its %llu bytes; copy it again from where it was "
				 "written", snapshot->name, (unsigned long long)snapshot->file_size,
				 (unsigned long long)header->used);
	return 0;
}

/** Whether the header is one of ours, of a kind that we know. */
static int check_header(struct snapshot *snapshot, struct error *error)
{
	const struct ht_header *header = &snapshot->header;

	if (header->magic == __builtin_bswap64(HT_MAGIC) || (header->magic == HT_MAGIC && header->byte_order != HT_BYTE_ORDER))
		return error_set(error, "%s comes from a machine with another byte order; report it on a machine like "
				 "that one", snapshot->name);
	if (header->magic != HT_MAGIC)
		return error_set(error, "%s is not a heaptrace snapshot; make one with heaptrace --save=FILE.htrace "
				 "PROGRAM", snapshot->name);
	if (header->version > HT_VERSION)
		return error_set(error, "%s was written by heaptrace %.32s, in a newer format (%u) than this heaptrace %s "
				 "reads (%u); use that version", snapshot->name, header->release, header->version,
				 HT_RELEASE, HT_VERSION);
	if (header->version == 0 || (header->kind != HT_LIVE_SEGMENT && header->kind != HT_SNAPSHOT))
		return error_set(error, "%s is corrupt: its header makes no sense; take a new snapshot", snapshot->name);
	return check_limits(snapshot, error);
}

static int read_header(struct snapshot *snapshot, int fd, struct error *error)
{
	struct stat status;
	int64_t size;

	if (fstat(fd, &status))
		return error_set(error, "%s can not be read: %s", snapshot->name, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(error, "%s is not a regular file; save the snapshot to one and report that",
				 snapshot->name);
	snapshot->file_size = (uint64_t)status.st_size;
	size = read_at(fd, &snapshot->header, sizeof(snapshot->header), 0);
	if (size < 0)
		return error_set(error, "%s can not be read: %s", snapshot->name, strerror(errno));
	if (size < 8)
		return error_set(error, "%s is %s; make a snapshot with heaptrace --save=FILE.htrace PROGRAM",
				 snapshot->name, size ? "not a heaptrace snapshot" : "empty");
	if (size < (int64_t)sizeof(snapshot->header) && snapshot->header.magic == HT_MAGIC)
		return error_set(error, "%s is truncated: it ends in its header; copy it again from where it was written",
				 snapshot->name);
	snapshot->header.release[sizeof(snapshot->header.release) - 1] = '\0';
	return check_header(snapshot, error);
}

static int check_sum(const struct snapshot *snapshot, int fd, struct error *error)
{
	static const uint8_t zeros[sizeof(snapshot->header.checksum)];
	size_t place = offsetof(struct ht_header, checksum), room = 1 << 18;
	uint8_t *buffer = memory_zeroed(1, room);
	uLong sum = crc32(0, Z_NULL, 0);
	uint64_t at = 0;
	int64_t n;

	while ((n = read_at(fd, buffer, room, at)) > 0) {
		if (at == 0)
			memcpy(buffer + place, zeros, sizeof(zeros));
		sum = crc32(sum, buffer, (uInt)n);
		at += (uint64_t)n;
	}
	free(buffer);
	if (n < 0)
		return error_set(error, "%s can not be read: %s", snapshot->name, strerror(errno));
	if (sum != snapshot->header.checksum || at != snapshot->header.used)
		return error_set(error, "%s is corrupt: its checksum is wrong; copy it again from where it was written",
				 snapshot->name);
	return 0;
}

static uint8_t *chunk_room(uint64_t size, bool *mapped)
{
	void *memory;

	*mapped = size >= MAP_FROM;
	if (!*mapped)
		return memory_zeroed(1, size);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

/** Copy one chunk. A chunk that there is no memory for is a broken one. */
static int copy_chunk(struct snapshot *snapshot, int fd, const struct ht_chunk *head, uint64_t offset, uint64_t size)
{
	struct chunk *chunk;

	snapshot->chunks = memory_grow(snapshot->chunks, snapshot->chunk_count, &snapshot->chunk_room, sizeof(*chunk));
	chunk = &snapshot->chunks[snapshot->chunk_count];
	*chunk = (struct chunk) { .offset = offset, .size = size, .kind = head->kind, .process = head->process,
				  .first = head->first };
	chunk->data = chunk_room(size, &chunk->mapped);
	if (!chunk->data) {
		snapshot->corrupt++;
		return 0;
	}
	snapshot->chunk_count++;
	return read_sparse(fd, chunk->data, size, offset);
}

/** The order of copying, see above. */
static int pass_of(uint32_t kind)
{
	switch (kind) {
	case HT_CHUNK_CELLS:
		return 0;
	case HT_CHUNK_TRACES:
		return 1;
	case HT_CHUNK_NODES:
		return 2;
	default:
		return 3;
	}
}
#define LAST_PASS 3

/**
 * Look at one granule of a live segment, and copy the chunk that begins there if its turn has come.
 *
 * @return where to go on; 0 when reading failed
 */
static uint64_t visit_granule(struct snapshot *snapshot, int fd, int pass, uint64_t offset, uint64_t end)
{
	struct ht_chunk head = { 0 };
	uint64_t size;

	if (read_at(fd, &head, sizeof(head), offset) < 0)
		return 0;
	if (head.magic != HT_CHUNK_MAGIC)
		return offset + HT_GRANULE;
	if (head.size < sizeof(head) || head.size > end || head.number != offset / HT_GRANULE) {
		snapshot->corrupt += pass == LAST_PASS;
		return offset + HT_GRANULE;
	}
	size = head.size < end - offset ? head.size : end - offset;
	if (size < head.size)
		snapshot->corrupt += pass == LAST_PASS;
	if (size >= sizeof(head) && pass_of(head.kind) == pass && copy_chunk(snapshot, fd, &head, offset, size))
		return 0;
	return offset + (size + HT_GRANULE - 1) / HT_GRANULE * HT_GRANULE;
}

static int read_pass(struct snapshot *snapshot, int fd, int pass)
{
	uint64_t end = snapshot->file_size, at = HT_GRANULE; /* header.used may be scribbled over; holes cost nothing */

	while (at < end) {
		at = next_data(fd, at, end) / HT_GRANULE * HT_GRANULE;
		if (at >= end)
			break;
		at = visit_granule(snapshot, fd, pass, at, end);
		if (!at)
			return -1;
		if (next_data(fd, at, end) >= end)
			break;
	}
	return 0;
}

static int read_live(struct snapshot *snapshot, int fd, struct error *error)
{
	for (int pass = 0; pass <= LAST_PASS; pass++) {
		if (read_pass(snapshot, fd, pass))
			return error_set(error, "%s can not be read: %s", snapshot->name, strerror(errno));
	}
	return 0;
}

static int read_compact(struct snapshot *snapshot, int fd, struct error *error)
{
	uint64_t at = snapshot->header.header_size, end = snapshot->header.used;

	if (check_sum(snapshot, fd, error))
		return -1;
	while (at + sizeof(struct ht_chunk) <= end) {
		struct ht_chunk head = { 0 };

		if (read_at(fd, &head, sizeof(head), at) < 0)
			return error_set(error, "%s can not be read: %s", snapshot->name, strerror(errno));
		if (head.magic != HT_CHUNK_MAGIC || head.size < sizeof(head) || head.size > end - at) {
			snapshot->corrupt++;
			break;
		}
		if (copy_chunk(snapshot, fd, &head, at, head.size))
			return error_set(error, "%s can not be read: %s", snapshot->name, strerror(errno));
		at += (head.size + 63) / 64 * 64;
	}
	return 0;
}

static uint32_t owner_of(const struct chunk *chunk)
{
	return chunk->kind == HT_CHUNK_MODULES ? OWNER_SEGMENT : chunk->process;
}

static int chunk_order(const void *a, const void *b)
{
	const struct chunk *left = a, *right = b;

	if (owner_of(left) != owner_of(right))
		return owner_of(left) < owner_of(right) ? -1 : 1;
	return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/** Number of chunks whose owner is below `owner`. */
static size_t chunks_below(const struct snapshot *snapshot, uint64_t owner)
{
	size_t low = 0, high = snapshot->chunk_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (owner_of(&snapshot->chunks[middle]) < owner)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct chunk *snapshot_chunks(const struct snapshot *snapshot, uint32_t owner, size_t *count)
{
	size_t first = chunks_below(snapshot, owner);

	*count = chunks_below(snapshot, (uint64_t)owner + 1) - first;
	return snapshot->chunks + first;
}

static int process_order(const void *a, const void *b)
{
	const struct process *left = a, *right = b;

	return left->number < right->number ? -1 : left->number > right->number;
}

/** Copy a process's record if the chunk holds one. */
static bool read_process(const struct snapshot *snapshot, const struct chunk *chunk, struct process *process)
{
	uint64_t room = chunk->size - sizeof(struct ht_chunk), size;

	*process = (struct process) { .number = chunk->process };
	if (room < PROCESS_MINIMUM || chunk->process == 0)
		return false;
	if (snapshot->header.kind == HT_LIVE_SEGMENT && chunk->offset / HT_GRANULE != chunk->process)
		return false;
	size = ((const struct ht_process *)(chunk->data + sizeof(struct ht_chunk)))->size;
	if (size < PROCESS_MINIMUM || size > room)
		return false;
	if (size > sizeof(process->record))
		size = sizeof(process->record);
	memcpy(&process->record, chunk->data + sizeof(struct ht_chunk), size);
	return true;
}

/** Sort by number, drop doubles, and cut parents that are no ancestors. */
static void tidy_processes(struct snapshot *snapshot)
{
	struct process *processes = snapshot->processes;
	size_t kept = 0;

	if (snapshot->process_count)
		qsort(processes, snapshot->process_count, sizeof(*processes), process_order);
	for (size_t i = 0; i < snapshot->process_count; i++) {
		if (kept && processes[kept - 1].number == processes[i].number) {
			snapshot->corrupt++;
			continue;
		}
		if (processes[i].record.parent >= processes[i].number) {
			processes[i].record.parent = 0;
			snapshot->corrupt++;
		}
		processes[kept++] = processes[i];
	}
	snapshot->process_count = kept;
}

static int index_processes(struct snapshot *snapshot, struct error *error)
{
	if (snapshot->chunk_count)
		qsort(snapshot->chunks, snapshot->chunk_count, sizeof(*snapshot->chunks), chunk_order);
	for (size_t i = 0; i < snapshot->chunk_count; i++) {
		struct process process;

		if (snapshot->chunks[i].kind != HT_CHUNK_PROCESS)
			continue;
		if (!read_process(snapshot, &snapshot->chunks[i], &process)) {
			snapshot->corrupt++;
			continue;
		}
		snapshot->processes = memory_grow(snapshot->processes, snapshot->process_count, &snapshot->process_room,
						  sizeof(process));
		snapshot->processes[snapshot->process_count++] = process;
	}
	tidy_processes(snapshot);
	if (snapshot->process_count)
		return 0;
	if (snapshot->corrupt)
		return error_set(error, "%s is corrupt or truncated: no process can be found in it; take a new snapshot",
				 snapshot->name);
	return error_set(error, "%s holds no process: the program ended before it allocated anything, or has not "
			 "started yet", snapshot->name);
}

struct snapshot *snapshot_read(int fd, const char *name, struct error *error)
{
	struct snapshot *snapshot = memory_zeroed(1, sizeof(*snapshot));
	int status;

	snapshot->name = memory_copy_string(name);
	status = read_header(snapshot, fd, error);
	if (!status)
		status = snapshot->header.kind == HT_SNAPSHOT ? read_compact(snapshot, fd, error) :
								read_live(snapshot, fd, error);
	if (!status)
		status = index_processes(snapshot, error);
	if (!status)
		return snapshot;
	snapshot_close(snapshot);
	return NULL;
}

struct snapshot *snapshot_open(const char *path, struct error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct snapshot *snapshot;

	if (fd < 0) {
		error_set(error, "%s can not be opened: %s; give the name of a file that heaptrace --save wrote", path,
			  strerror(errno));
		return NULL;
	}
	snapshot = snapshot_read(fd, path, error);
	close(fd);
	return snapshot;
}

void snapshot_close(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->chunk_count; i++) {
		if (snapshot->chunks[i].mapped)
			munmap(snapshot->chunks[i].data, snapshot->chunks[i].size);
		else
			free(snapshot->chunks[i].data);
	}
	free(snapshot->chunks);
	free(snapshot->processes);
	free(snapshot->name);
	free(snapshot);
}

const struct ht_header *snapshot_header(const struct snapshot *snapshot)
{
	return &snapshot->header;
}

static int start_order(const void *a, const void *b)
{
	const struct process *left = *(const struct process *const *)a, *right = *(const struct process *const *)b;

	if (left->record.start_ns != right->record.start_ns)
		return left->record.start_ns < right->record.start_ns ? -1 : 1;
	return process_order(left, right);
}

size_t snapshot_processes(const struct snapshot *snapshot, uint32_t *numbers, size_t size)
{
	const struct process **order = memory_zeroed(snapshot->process_count, sizeof(*order));

	for (size_t i = 0; i < snapshot->process_count; i++)
		order[i] = &snapshot->processes[i];
	qsort(order, snapshot->process_count, sizeof(*order), start_order);
	for (size_t i = 0; i < snapshot->process_count && i < size; i++)
		numbers[i] = order[i]->number;
	free(order);
	return snapshot->process_count;
}

const struct process *snapshot_find(const struct snapshot *snapshot, uint32_t number)
{
	struct process key = { .number = number };

	if (!snapshot->process_count)
		return NULL;
	return bsearch(&key, snapshot->processes, snapshot->process_count, sizeof(key), process_order);
}

const struct ht_process *snapshot_process(const struct snapshot *snapshot, uint32_t number)
{
	const struct process *process = snapshot_find(snapshot, number);

	return process ? &process->record : NULL;
}

/** Whether the strings are as many as they should be and all end. */
static bool command_is_sound(const struct chunk *chunk)
{
	const struct ht_command *command = (const struct ht_command *)chunk->data;
	uint32_t count = 0;

	if (chunk->size < sizeof(*command) || command->count == 0 || command->bytes > chunk->size - sizeof(*command))
		return false;
	for (uint32_t i = 0; i < command->bytes; i++)
		count += command->strings[i] == '\0';
	return command->bytes && command->strings[command->bytes - 1] == '\0' && count == command->count;
}

const struct chunk *snapshot_command(const struct snapshot *snapshot, uint32_t number, uint32_t *owner)
{
	const struct process *process = snapshot_find(snapshot, number);

	for (; process; process = process->record.parent ? snapshot_find(snapshot, process->record.parent) : NULL) {
		size_t count;
		const struct chunk *chunks = snapshot_chunks(snapshot, process->number, &count);

		*owner = process->number;
		for (size_t i = 0; i < count; i++) {
			if (chunks[i].kind == HT_CHUNK_COMMAND && command_is_sound(&chunks[i]))
				return &chunks[i];
		}
	}
	return NULL;
}
