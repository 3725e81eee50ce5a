// SPDX-License-Identifier: MIT

/*
 * libFuzzer entry: an executable that names are looked up in: any bytes as an ELF file, through our own reading of it and
 * through everything that names a frame. Lines are left to addr2line, which is a process of its own.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/symbols.h"
#include "../../tools/symbols_elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(struct elf_file *file)
{
	struct symbol_table *table = symbol_table_new();
	uint64_t start = 0;

	symbol_table_add(table, file);
	symbol_table_sort(table);
	for (uint64_t address = 0; address < 0x3000; address += 61) {
		const char *name = symbol_table_find(table, address, &start);

		if (name && start > address)
			abort(); /* a name that begins behind the address */
	}
	symbol_table_find(table, UINT64_MAX, &start);
	symbol_table_free(table);
}

static void name_frames(struct module *module)
{
	struct frame frames[8];
	struct options options;
	struct model model = { .modules = module, .module_count = 1, .frames = frames, .frame_count = 8 };

	options_defaults(&options);
	options.lines = false;
	for (unsigned i = 0; i < 8; i++)
		frames[i] = (struct frame) { .address = 0x1000 + i * 37, .module = module };
	symbols_name_all(&model, &options);
	for (unsigned i = 0; i < 8; i++) {
		if (!frames[i].name_count)
			abort(); /* each frame has a name, if only an empty one */
		free(frames[i].names);
	}
	symbols_forget();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct module module = { .end = UINT64_MAX };
	struct elf_file *file;
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	module.path = path;
	file = elf_file_open(path);
	if (file) {
		uint32_t checksum;

		module.build_id_size = (uint32_t)elf_file_build_id(file, module.build_id);
		elf_file_is(file, &module);
		elf_file_is_debug(file);
		elf_file_has_lines(file);
		free(elf_file_link(file, &checksum));
		look_up(file);
		elf_file_close(file);
		name_frames(&module);
	}
	close(fd);
	return 0;
}
