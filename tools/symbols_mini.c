// SPDX-License-Identifier: MIT

/*
 * Mini debug info: see symbols_mini.h. xz unpacks it, as a process with limits of its own: what is in the section is a
 * stranger's.
 */

#include "symbols_mini.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child.h"
#include "memory.h"

#define LARGEST ((size_t)64 << 20) /* a hundred times what the largest libraries have */
#define XZ_SECONDS 30

struct unpacked {
	char *bytes;
	size_t size, room;
};

static bool take(void *context, const char *bytes, size_t size)
{
	struct unpacked *unpacked = context;

	if (size > LARGEST - unpacked->size)
		return false;
	while (unpacked->room < unpacked->size + size) {
		unpacked->room = unpacked->room ? 2 * unpacked->room : 1 << 16;
		unpacked->bytes = memory_resize(unpacked->bytes, unpacked->room, 1);
	}
	memcpy(unpacked->bytes + unpacked->size, bytes, size);
	unpacked->size += size;
	return true;
}

/** Once for each way to fail. */
static void complain(enum child_end end, const char *name)
{
	static bool said[CHILD_STOPPED + 1];

	if (!said[end])
		fprintf(stderr, "[heaptrace] xz %s on the symbols packed in %s, so some functions have no names; %s\n",
			child_end_text(end), name, end == CHILD_NOT_FOUND ? "install xz-utils" : "see its debug package");
	said[end] = true;
}

struct elf_file *mini_open(struct elf_file *file, const char *name)
{
	char *argv[] = { "xz", "-dc", NULL };
	struct unpacked unpacked = { .bytes = NULL };
	struct child_job job = { .argv = argv, .take = take, .context = &unpacked, .idle_seconds = XZ_SECONDS,
				 .total_seconds = XZ_SECONDS };
	enum child_end end;

	job.input = elf_file_section(file, ".gnu_debugdata", &job.input_size);
	if (!job.input)
		return NULL;
	end = child_run(&job);
	if (end == CHILD_DONE)
		return elf_file_memory(unpacked.bytes, unpacked.size);
	complain(end, name);
	free(unpacked.bytes);
	return NULL;
}
