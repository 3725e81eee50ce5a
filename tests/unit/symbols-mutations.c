// SPDX-License-Identifier: MIT

/*
 * Executables are strangers' files, too: an ELF file with bytes changed at random, cut, or made of nothing but ones must
 * not hurt whoever looks for names in it. Under the sanitizers; the randomness is always the same.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/symbols_elf.h"
#include "../lib/naming.h"
#include "../lib/tap.h"

static char directory[] = "/tmp/elves.XXXXXX";
static char path[64];

static void look(void)
{
	struct elf_file *file = elf_file_open(path);
	struct module module = { .build_id_size = 20 };
	struct symbol_table *table;
	uint32_t checksum;
	uint64_t start;

	if (!file)
		return;
	elf_file_is(file, &module);
	elf_file_is_debug(file);
	free(elf_file_link(file, &checksum));
	table = symbol_table_new();
	symbol_table_add(table, file);
	symbol_table_sort(table);
	for (uint64_t address = 0; address < 0x3000; address += 7)
		symbol_table_find(table, address, &start);
	symbol_table_find(table, UINT64_MAX, &start);
	symbol_table_free(table);
	elf_file_close(file);
}

static void write_bytes(const uint8_t *bytes, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (write(fd, bytes, size) != (ssize_t)size)
		exit(1);
	close(fd);
}

static void mutate(uint8_t *bytes, size_t size, size_t from, size_t to, unsigned *seed)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };

	for (unsigned i = 0; i < 800; i++) {
		uint8_t kept[4];
		size_t places[4];

		for (unsigned j = 0; j < 4; j++) {
			places[j] = from + (size_t)rand_r(seed) % (to - from);
			kept[j] = bytes[places[j]];
			bytes[places[j]] = values[rand_r(seed) % 5];
		}
		write_bytes(bytes, size);
		look();
		for (unsigned j = 4; j-- > 0;)
			bytes[places[j]] = kept[j];
	}
}

int main(void)
{
	static uint8_t bytes[1 << 18];
	unsigned seed = 1;
	size_t size;
	int fd;

	if (!naming_have("gcc") || !mkdtemp(directory)) {
		skip("everything", "gcc is missing");
		return tap_done();
	}
	ok(naming_run(directory, "echo 'int f(void) { return 1; } static int g(void) { return 2; } int h(void) { return g(); }' >a.c && "
	   "gcc -shared -fPIC -o a.so a.c && objcopy --add-gnu-debuglink=a.c a.so"), "a library builds");
	snprintf(path, sizeof(path), "%s/a.so", directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = (size_t)read(fd, bytes, sizeof(bytes));
	close(fd);
	ok(size > 1000 && size < sizeof(bytes), "of %zu bytes", size);
	mutate(bytes, size, 0, 64, &seed);
	ok(true, "mutations of the ELF header are survived");
	mutate(bytes, size, 64, 64 + 56 * 9, &seed);
	ok(true, "of the program headers and notes");
	mutate(bytes, size, size - 64 * 28, size, &seed);
	ok(true, "of the section headers");
	mutate(bytes, size, 0, size, &seed);
	ok(true, "of everything");
	for (size_t cut = 0; cut < size; cut += cut < 256 ? 1 : 37) {
		write_bytes(bytes, cut);
		look();
	}
	ok(true, "cuts are survived");
	memset(bytes + 16, 0xff, size - 16);
	write_bytes(bytes, size);
	look();
	ok(true, "and nothing but ones");
	naming_run(directory, "find . -mindepth 1 -delete");
	rmdir(directory);
	return tap_done();
}
