// SPDX-License-Identifier: MIT

/* Files that can not be read: each gets its own message. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/snapshot.h"
#include "../lib/build_segment.h"
#include "../lib/tap.h"

/** The error that reading some bytes gives; "" if it gives none. */
static const char *error_of(const void *bytes, size_t size)
{
	static struct error error;
	int fd = memfd_create("test", MFD_CLOEXEC);
	struct snapshot *snapshot;

	error.text[0] = '\0';
	if (write(fd, bytes, size) != (ssize_t)size)
		return "can not write";
	snapshot = snapshot_read(fd, "x.htrace", &error);
	snapshot_close(snapshot);
	close(fd);
	return error.text;
}

static void refuses_strangers(void)
{
	struct ht_header header = { .magic = HT_MAGIC, .version = HT_VERSION + 1, .byte_order = HT_BYTE_ORDER,
				    .release = "9.9.9" };
	struct error error;

	has(error_of("", 0), "x.htrace is empty", "an empty file");
	has(error_of("\177ELF and so on", 14), "is not a heaptrace snapshot", "another kind of file");
	has(error_of("abc", 3), "is not a heaptrace snapshot", "a very short one");
	has(error_of(&header, sizeof(header)), "written by heaptrace 9.9.9, in a newer format (2)", "a newer version");
	has(error_of(&header, 100), "is truncated: it ends in its header", "a cut header");
	header.version = 0;
	has(error_of(&header, sizeof(header)), "is corrupt", "version 0");
	header.version = HT_VERSION;
	header.kind = 77;
	has(error_of(&header, sizeof(header)), "is corrupt", "an unknown kind");
	header.byte_order = __builtin_bswap32(HT_BYTE_ORDER);
	has(error_of(&header, sizeof(header)), "another byte order", "the other byte order");
	ok(!snapshot_open("/", &error), "a directory is refused");
	has(error.text, "is not a regular file", "and said to be no regular file");
	ok(!snapshot_open("/nonexistent/file", &error), "a file that is not there is refused");
	has(error.text, "No such file or directory", "with the system's reason");
}

static void refuses_a_segment_without_processes(void)
{
	struct built built = build_new();

	has(error_of(built.bytes, HT_GRANULE * 2), "holds no process", "no process yet");
	build_record(&built, build_process(&built, 0, 1))->size = 3;
	has(error_of(built.bytes, HT_GRANULE * 3), "no process can be found", "a broken process record");
	build_free(&built);
}

/** A saved seed, in memory. @return its size */
static size_t save_seed(uint8_t *bytes, size_t room)
{
	struct built built = build_seed();
	struct snapshot *snapshot = build_read(&built);
	struct host_facts hosts[2] = { { .pid = 1 }, { .pid = 2 } };
	uint32_t numbers[] = { 1, 2 };
	struct error error = { "" };
	char path[] = "/tmp/refuses.XXXXXX";
	int fd = mkstemp(path);
	ssize_t size;

	ok(!snapshot_save(snapshot, numbers, hosts, 2, path, &error), "a snapshot is saved %s", error.text);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = read(fd, bytes, room);
	close(fd);
	unlink(path);
	snapshot_close(snapshot);
	build_free(&built);
	return (size_t)size;
}

static void refuses_damaged_snapshots(void)
{
	static uint8_t bytes[1 << 20];
	size_t size = save_seed(bytes, sizeof(bytes)), silent = 0;

	is_str(error_of(bytes, size), "", "the whole snapshot is fine");
	has(error_of(bytes, size - 1), "is truncated", "one byte less is truncated");
	has(error_of(bytes, 4096), "is truncated", "only the header is truncated");
	has(error_of(bytes, size + 1), "is corrupt: its checksum", "one byte more is corrupt");
	for (size_t i = sizeof(struct ht_header); i < size; i += 97) {
		bytes[i] ^= 0x40;
		silent += !strstr(error_of(bytes, size), "checksum is wrong");
		bytes[i] ^= 0x40;
	}
	is_int(silent, 0, "no flipped bit goes unnoticed");
}

int main(void)
{
	refuses_strangers();
	refuses_a_segment_without_processes();
	refuses_damaged_snapshots();
	return tap_done();
}
