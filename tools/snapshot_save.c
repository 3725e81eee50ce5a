// SPDX-License-Identifier: MIT

/*
 * Writing compacted snapshots: the chunks of some processes, each as short as what it holds, plus what the collector knows.
 * The file is written aside and renamed when it is whole: at `path` there is the old file or the new one.
 */

#include "model_build.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "aside.h"
#include "history.h"
#include "host_facts.h"
#include "memory.h"

#define HEADER_SIZE 4096u
#define BLOCK_SIZE 1024u

/** A file being written. */
struct writer {
	int fd;
	int failed;      /* errno */
	uint64_t size;
	uLong sum;       /* of what stands behind the header */
	size_t filled;
	uint8_t buffer[1 << 16];
};

static void write_out(struct writer *writer)
{
	size_t done = 0;

	while (done < writer->filled && !writer->failed) {
		ssize_t n = write(writer->fd, writer->buffer + done, writer->filled - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			writer->failed = errno;
	}
	writer->filled = 0;
}

static void put(struct writer *writer, const void *bytes, uint64_t size)
{
	const uint8_t *from = bytes;

	for (uint64_t done = 0; done < size && !writer->failed;) {
		size_t part = sizeof(writer->buffer) - writer->filled;

		if (part > size - done)
			part = (size_t)(size - done);
		memcpy(writer->buffer + writer->filled, from + done, part);
		writer->sum = crc32(writer->sum, from + done, (uInt)part);
		writer->filled += part;
		done += part;
		if (writer->filled == sizeof(writer->buffer))
			write_out(writer);
	}
	writer->size += size;
}

static void put_padding(struct writer *writer, uint64_t size)
{
	static const uint8_t zeros[HEADER_SIZE];

	put(writer, zeros, size);
}

/** Bytes of a chunk up to the last one that is not zero, rounded up to whole pieces. */
static uint64_t used_size(const struct chunk *chunk, uint64_t piece)
{
	uint64_t size = chunk->size;

	while (size > sizeof(struct ht_chunk) && !chunk->data[size - 1])
		size--;
	size = (size + piece - 1) / piece * piece;
	return size < chunk->size ? size : chunk->size;
}

/** A CELLS chunk ends with its last block in use. */
static uint64_t used_cells(const struct chunk *chunk)
{
	const struct ht_cells *cells = (const struct ht_cells *)chunk->data;
	uint64_t blocks = chunk->size / BLOCK_SIZE;

	if (blocks > HT_CHUNK_BLOCKS)
		blocks = HT_CHUNK_BLOCKS;
	while (blocks > 1 && !cells->base[blocks - 1])
		blocks--;
	return blocks ? blocks * BLOCK_SIZE : chunk->size;
}

/** Bytes up to the end of the last record. */
static uint64_t used_modules(const struct chunk *chunk)
{
	uint64_t at = sizeof(struct ht_chunk);

	while (at + sizeof(struct ht_module) <= chunk->size) {
		const struct ht_module *record = (const struct ht_module *)(chunk->data + at);

		if (!record->number || !module_is_sound(record, chunk->size - at))
			break;
		at += record->size;
	}
	return at;
}

static uint64_t used_process(const struct chunk *chunk)
{
	const struct ht_process *record = (const struct ht_process *)(chunk->data + sizeof(struct ht_chunk));
	uint64_t room = chunk->size - sizeof(struct ht_chunk);

	return room >= sizeof(record->size) && record->size <= room ? sizeof(struct ht_chunk) + record->size : chunk->size;
}

/** Whether a chunk holds what the host knew. */
static bool is_hosts(const struct chunk *chunk)
{
	return chunk->kind == HT_CHUNK_HOST || chunk->kind == HT_CHUNK_TIMELINE || chunk->kind == HT_CHUNK_SLICES;
}

static uint64_t compact_size(const struct chunk *chunk)
{
	switch (chunk->kind) {
	case HT_CHUNK_CELLS:
		return used_cells(chunk);
	case HT_CHUNK_PROCESS:
		return used_process(chunk);
	case HT_CHUNK_MODULES:
		return used_modules(chunk);
	case HT_CHUNK_NODES:
		return used_size(chunk, sizeof(struct ht_node));
	case HT_CHUNK_TRACES:
		return used_size(chunk, sizeof(struct ht_trace));
	case HT_CHUNK_THREADS:
		return used_size(chunk, sizeof(struct ht_thread));
	case HT_CHUNK_CHURN:
		return used_size(chunk, sizeof(struct ht_churn));
	default:
		return is_hosts(chunk) ? chunk->size : used_size(chunk, 4096);
	}
}

static void put_chunk(struct writer *writer, const struct chunk *chunk)
{
	struct ht_chunk head;
	uint64_t size = compact_size(chunk);

	memcpy(&head, chunk->data, sizeof(head));
	head.magic = HT_CHUNK_MAGIC;
	head.kind = chunk->kind;
	head.size = size;
	head.process = chunk->process;
	head.first = chunk->first;
	put(writer, &head, sizeof(head));
	put(writer, chunk->data + sizeof(head), size - sizeof(head));
	put_padding(writer, (64 - size % 64) % 64);
}

static void put_facts(struct writer *writer, uint32_t process, const struct host_facts *facts)
{
	size_t size;
	char *text = host_facts_write(facts, &size);
	struct ht_chunk head = { .magic = HT_CHUNK_MAGIC, .kind = HT_CHUNK_HOST, .size = sizeof(head) + size,
				 .process = process, .first = (uint32_t)size };

	put(writer, &head, sizeof(head));
	put(writer, text, size);
	put_padding(writer, (64 - head.size % 64) % 64);
	free(text);
}

/** A chunk that was made for the file; it is freed. */
static void put_made(struct writer *writer, struct ht_chunk *chunk)
{
	if (!chunk)
		return;
	put(writer, chunk, chunk->size);
	put_padding(writer, (64 - chunk->size % 64) % 64);
	free(chunk);
}

static void put_history(struct writer *writer, uint32_t process, const struct history *history)
{
	if (!history)
		return;
	put_made(writer, (struct ht_chunk *)history_timeline_chunk(history, process));
	put_made(writer, (struct ht_chunk *)history_slices_chunk(history, process));
}

/** All chunks of an owner, but for what the host knew: that is told anew. */
static void put_chunks(struct writer *writer, const struct snapshot *snapshot, uint32_t owner, bool modules)
{
	size_t count;
	const struct chunk *chunks = snapshot_chunks(snapshot, owner, &count);

	for (size_t i = 0; i < count; i++) {
		if (modules ? chunks[i].kind == HT_CHUNK_MODULES : !is_hosts(&chunks[i]))
			put_chunk(writer, &chunks[i]);
	}
}

/** A fork child finds its command through its parents, who may be left out: it gets a copy. */
static void put_inherited_command(struct writer *writer, const struct snapshot *snapshot, uint32_t number)
{
	uint32_t owner;
	const struct chunk *command = snapshot_command(snapshot, number, &owner);
	struct chunk copy;

	if (!command || owner == number)
		return;
	copy = *command;
	copy.process = number;
	put_chunk(writer, &copy);
}

/** What the host's chunks of a snapshot say of a process, when it is saved again without new facts. */
static void put_old_facts(struct writer *writer, const struct snapshot *snapshot, uint32_t number)
{
	size_t count;
	const struct chunk *chunks = snapshot_chunks(snapshot, number, &count);

	for (size_t i = 0; i < count; i++) {
		if (is_hosts(&chunks[i]))
			put_chunk(writer, &chunks[i]);
	}
}

static void put_all(struct writer *writer, const struct snapshot *snapshot, const uint32_t *numbers,
		    const struct host_facts *hosts, size_t count)
{
	put_padding(writer, HEADER_SIZE);
	writer->sum = crc32(0, Z_NULL, 0);
	put_chunks(writer, snapshot, OWNER_SEGMENT, true);
	for (size_t i = 0; i < count; i++) {
		put_chunks(writer, snapshot, numbers[i], false);
		put_inherited_command(writer, snapshot, numbers[i]);
		if (!hosts) {
			put_old_facts(writer, snapshot, numbers[i]);
			continue;
		}
		put_facts(writer, numbers[i], &hosts[i]);
		put_history(writer, numbers[i], hosts[i].history);
	}
	write_out(writer);
}

/** The header comes last, when the size and the checksum are known. */
static void write_header(struct writer *writer, const struct snapshot *snapshot)
{
	union {
		struct ht_header header;
		uint8_t bytes[HEADER_SIZE];
	} start = { .header = snapshot->header };
	uLong sum;

	start.header.kind = HT_SNAPSHOT;
	start.header.header_size = HEADER_SIZE;
	start.header.used = writer->size;
	start.header.limit = writer->size;
	start.header.checksum = 0;
	sum = crc32(crc32(0, Z_NULL, 0), start.bytes, HEADER_SIZE);
	start.header.checksum = (uint32_t)crc32_combine(sum, writer->sum, (z_off_t)(writer->size - HEADER_SIZE));
	errno = 0;
	if (!writer->failed && pwrite(writer->fd, start.bytes, HEADER_SIZE, 0) != HEADER_SIZE)
		writer->failed = errno ? errno : ENOSPC;
}

/** Where the file is to be: behind a symbolic link, so that the link stays. To be freed. */
static char *final_path(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : memory_copy_string(path);
}

/** Write everything to the writer's descriptor, which must be able to seek. */
static void put_file(struct writer *writer, const struct snapshot *snapshot, const uint32_t *numbers,
		     const struct host_facts *hosts, size_t count)
{
	put_all(writer, snapshot, numbers, hosts, count);
	write_header(writer, snapshot);
}

/** Copy what was made in memory to a device or a FIFO. @return an errno value */
static int copy_to(int from, const char *path)
{
	static uint8_t buffer[1 << 16];
	int to = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY), failed = to < 0 ? errno : 0;
	off_t at = 0;
	ssize_t n;

	while (!failed && (n = pread(from, buffer, sizeof(buffer), at)) > 0) {
		ssize_t done = write(to, buffer, (size_t)n);

		if (done < 0 && errno != EINTR)
			failed = errno;
		at += done > 0 ? done : 0;
	}
	if (to >= 0 && close(to) && !failed)
		failed = errno;
	return failed;
}

static bool is_special(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/** Make the file in memory, and copy it. */
static void save_special(struct writer *writer, const struct snapshot *snapshot, const uint32_t *numbers,
			 const struct host_facts *hosts, size_t count, const char *target)
{
	writer->fd = memfd_create("snapshot", MFD_CLOEXEC);
	if (writer->fd < 0) {
		writer->failed = errno;
		return;
	}
	put_file(writer, snapshot, numbers, hosts, count);
	writer->failed = writer->failed ? writer->failed : copy_to(writer->fd, target);
	close(writer->fd);
}

static void save(struct writer *writer, const struct snapshot *snapshot, const uint32_t *numbers,
		 const struct host_facts *hosts, size_t count, const char *target)
{
	struct aside aside;

	if (aside_open(&aside, target)) {
		writer->failed = errno;
		return;
	}
	writer->fd = aside.fd;
	put_file(writer, snapshot, numbers, hosts, count);
	if (writer->failed)
		aside_drop(&aside);
	else if (aside_keep(&aside, target))
		writer->failed = errno;
}

int snapshot_save(const struct snapshot *snapshot, const uint32_t *numbers, const struct host_facts *hosts,
		  size_t count, const char *path, struct error *error)
{
	struct writer *writer = memory_zeroed(1, sizeof(*writer));
	char *target = final_path(path);
	int failed;

	if (is_special(target))
		save_special(writer, snapshot, numbers, hosts, count, target);
	else
		save(writer, snapshot, numbers, hosts, count, target);
	failed = writer->failed;
	free(target);
	free(writer);
	if (failed)
		return error_set(error, "the snapshot %s can not be written: %s; give another place with --save", path,
				 strerror(failed));
	return 0;
}
