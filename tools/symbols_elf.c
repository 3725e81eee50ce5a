// SPDX-License-Identifier: MIT

/* ELF files for names: see symbols_elf.h. */

#include "symbols_elf.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "memory.h"

struct elf_file {
	int fd; /* -1: in memory */
	Elf *elf;
	char *bytes; /* that memory, if it is ours */
};

struct symbol {
	uint64_t start, end;   /* end == start: no size */
	uint64_t section_end;
	const char *name;
	uint8_t binding;
};

struct symbol_table {
	struct symbol *symbols; /* by start; among equals the better name first */
	uint64_t *reach;        /* the highest end up to here */
	size_t count, room;
	char *names[4];         /* copies of string tables: two files' .symtab and .dynsym */
	size_t name_count;
};

static struct elf_file *elf_file_wrap(int fd, Elf *elf)
{
	struct elf_file *file;

	if (!elf || elf_kind(elf) != ELF_K_ELF) {
		elf_end(elf);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	file = memory_zeroed(1, sizeof(*file));
	*file = (struct elf_file) { fd, elf, NULL };
	return file;
}

struct elf_file *elf_file_open(const char *path)
{
	struct stat status;
	int fd;

	/* The path comes from a stranger: to open a device can have effects. */
	if (stat(path, &status) || !S_ISREG(status.st_mode))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		close(fd);
		return NULL;
	}
	elf_version(EV_CURRENT);
	return elf_file_wrap(fd, elf_begin(fd, ELF_C_READ, NULL));
}

struct elf_file *elf_file_vdso(void)
{
	char *image = (char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)image;

	if (!image || sizeof(void *) != 8)
		return NULL;
	elf_version(EV_CURRENT);
	return elf_file_wrap(-1, elf_memory(image, head->e_shoff + (size_t)head->e_shnum * head->e_shentsize));
}

struct elf_file *elf_file_memory(char *bytes, size_t size)
{
	struct elf_file *file;

	elf_version(EV_CURRENT);
	file = size ? elf_file_wrap(-1, elf_memory(bytes, size)) : NULL;
	if (file)
		file->bytes = bytes;
	else
		free(bytes);
	return file;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	free(file->bytes);
	if (file->fd >= 0)
		close(file->fd);
	free(file);
}

/** Look for the build id in a list of notes. */
static size_t find_build_id(Elf_Data *data, uint8_t id[64])
{
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (data && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz && note.n_descsz <= 64 &&
		    !memcmp((char *)data->d_buf + name, "GNU", 4)) {
			memcpy(id, (char *)data->d_buf + desc, note.n_descsz);
			return note.n_descsz;
		}
	}
	return 0;
}

/** In a debug file the segments have no content, so look in its sections first. */
size_t elf_file_build_id(struct elf_file *file, uint8_t id[64])
{
	Elf_Scn *section = NULL;
	size_t count = 0, size = 0;
	GElf_Shdr shdr;
	GElf_Phdr phdr;

	while (!size && (section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, &shdr) && shdr.sh_type == SHT_NOTE)
			size = find_build_id(elf_getdata(section, NULL), id);
	}
	elf_getphdrnum(file->elf, &count);
	/* Their number may be in a section's head, 32 bits wide and wrong: the first that is not in the file is the last. */
	for (size_t i = 0; !size && i < count && gelf_getphdr(file->elf, (int)i, &phdr); i++) {
		if (phdr.p_type == PT_NOTE)
			size = find_build_id(elf_getdata_rawchunk(file->elf, (int64_t)phdr.p_offset, phdr.p_filesz,
								  ELF_T_NHDR), id);
	}
	return size;
}

static bool same_segments(struct elf_file *file, const struct module *module)
{
	size_t count = 0;
	uint32_t loads = 0;
	GElf_Phdr phdr;

	elf_getphdrnum(file->elf, &count);
	for (size_t i = 0; i < count && gelf_getphdr(file->elf, (int)i, &phdr); i++) {
		const struct ht_phdr *seen;

		if (phdr.p_type != PT_LOAD)
			continue;
		if (loads >= module->phdr_count)
			return false;
		seen = &module->phdrs[loads++];
		if (seen->vaddr != phdr.p_vaddr || seen->memsz != phdr.p_memsz || seen->offset != phdr.p_offset ||
		    seen->filesz != phdr.p_filesz || seen->flags != phdr.p_flags)
			return false;
	}
	return loads && loads == module->phdr_count;
}

bool elf_file_is(struct elf_file *file, const struct module *module)
{
	uint8_t id[64];
	size_t size = elf_file_build_id(file, id);

	if (!module->build_id_size)
		return !size && same_segments(file, module);
	return size == module->build_id_size && !memcmp(id, module->build_id, size);
}

/** A section with content by its name. */
static Elf_Scn *find_section(struct elf_file *file, const char *wanted, GElf_Shdr *shdr)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(file->elf, &names))
		return NULL;
	while ((section = elf_nextscn(file->elf, section))) {
		const char *name;

		if (!gelf_getshdr(section, shdr) || shdr->sh_type == SHT_NOBITS || !shdr->sh_size)
			continue;
		name = elf_strptr(file->elf, names, shdr->sh_name);
		if (name && !strcmp(name, wanted))
			return section;
	}
	return NULL;
}

bool elf_file_has_lines(struct elf_file *file)
{
	GElf_Shdr shdr;

	return find_section(file, ".debug_info", &shdr) || find_section(file, ".zdebug_info", &shdr);
}

bool elf_file_has_symbols(struct elf_file *file)
{
	GElf_Shdr shdr;

	return find_section(file, ".symtab", &shdr) != NULL;
}

bool elf_file_is_debug(struct elf_file *file)
{
	GElf_Shdr shdr;

	return elf_file_has_lines(file) || elf_file_has_symbols(file) || find_section(file, ".dynsym", &shdr);
}

const char *elf_file_section(struct elf_file *file, const char *name, size_t *size)
{
	GElf_Shdr shdr;
	Elf_Scn *section = find_section(file, name, &shdr);
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;

	*size = data && data->d_buf ? data->d_size : 0;
	return *size ? data->d_buf : NULL;
}

const char *elf_file_unpacked(struct elf_file *file, const char *name, size_t *size)
{
	GElf_Shdr shdr;
	Elf_Scn *section = find_section(file, name, &shdr);
	Elf_Data *data;

	*size = 0;
	if (!section || (shdr.sh_flags & SHF_COMPRESSED && elf_compress(section, 0, 0) < 0))
		return NULL;
	data = elf_getdata(section, NULL);
	*size = data && data->d_buf ? data->d_size : 0;
	return *size ? data->d_buf : NULL;
}

char *elf_file_link(struct elf_file *file, uint32_t *checksum)
{
	GElf_Shdr shdr;
	Elf_Scn *section = find_section(file, ".gnu_debuglink", &shdr);
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
	size_t length, place;

	if (!data || !data->d_buf || data->d_size < 8)
		return NULL;
	length = strnlen(data->d_buf, data->d_size);
	place = (length + 4) / 4 * 4;
	if (!length || place + 4 > data->d_size)
		return NULL;
	memcpy(checksum, (char *)data->d_buf + place, 4);
	return memory_copy_bytes(data->d_buf, length);
}

uint32_t elf_file_checksum(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *buffer = memory_zeroed(1, 1 << 16);
	uLong sum = crc32(0, Z_NULL, 0);
	size_t size;

	while (file && (size = fread(buffer, 1, 1 << 16, file)) > 0)
		sum = crc32(sum, buffer, (uInt)size);
	free(buffer);
	if (!file)
		return 0;
	fclose(file);
	return (uint32_t)sum;
}

/** The section that a symbol lies in, if it holds code. */
static bool code_section(struct elf_file *file, const GElf_Sym *sym, GElf_Shdr *shdr)
{
	Elf_Scn *section;

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= SHN_LORESERVE)
		return false;
	section = elf_getscn(file->elf, sym->st_shndx);
	return section && gelf_getshdr(section, shdr) && shdr->sh_flags & SHF_EXECINSTR &&
	       sym->st_value >= shdr->sh_addr && sym->st_value - shdr->sh_addr < shdr->sh_size;
}

static bool is_function(const GElf_Sym *sym, const char *name)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	if (!*name || *name == '$' || !strncmp(name, ".L", 2))
		return false;
	return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

static void add_symbol(struct symbol_table *table, const GElf_Sym *sym, const GElf_Shdr *shdr, const char *name)
{
	struct symbol *symbol;
	uint64_t end = sym->st_value + sym->st_size, section_end = shdr->sh_addr + shdr->sh_size;

	table->symbols = memory_grow(table->symbols, table->count, &table->room, sizeof(*table->symbols));
	symbol = &table->symbols[table->count++];
	*symbol = (struct symbol) { .start = sym->st_value, .end = end, .section_end = section_end, .name = name,
				    .binding = GELF_ST_BIND(sym->st_info) };
	if (end < sym->st_value || end > section_end)
		symbol->end = section_end;
}

static void read_symbols(struct symbol_table *table, struct elf_file *file, Elf_Scn *section, const GElf_Shdr *head)
{
	Elf_Scn *names_section = elf_getscn(file->elf, head->sh_link);
	Elf_Data *data = elf_getdata(section, NULL);
	Elf_Data *names = names_section ? elf_getdata(names_section, NULL) : NULL;
	char *text;

	if (!data || !names || !names->d_buf || !head->sh_entsize || table->name_count == 4)
		return;
	text = memory_copy_bytes(names->d_buf, names->d_size);
	table->names[table->name_count++] = text;
	for (size_t i = 0; i < data->d_size / head->sh_entsize && i < INT32_MAX; i++) {
		GElf_Sym sym;
		GElf_Shdr shdr;

		if (gelf_getsym(data, (int)i, &sym) && sym.st_name < names->d_size &&
		    is_function(&sym, text + sym.st_name) && code_section(file, &sym, &shdr))
			add_symbol(table, &sym, &shdr, text + sym.st_name);
	}
}

static int compare_sizes(size_t left, size_t right)
{
	return left < right ? -1 : left > right;
}

/** Which of two names for one address people know: not local, fewer underscores in front, not weak, shorter. */
static int name_order(const struct symbol *left, const struct symbol *right)
{
	int order = (left->binding == STB_LOCAL) - (right->binding == STB_LOCAL);

	if (!order)
		order = compare_sizes(strspn(left->name, "_"), strspn(right->name, "_"));
	if (!order)
		order = (left->binding == STB_WEAK) - (right->binding == STB_WEAK);
	if (!order)
		order = compare_sizes(strlen(left->name), strlen(right->name));
	return order ? order : strcmp(left->name, right->name);
}

static int symbol_order(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return name_order(left, right);
}

struct symbol_table *symbol_table_new(void)
{
	return memory_zeroed(1, sizeof(struct symbol_table));
}

void symbol_table_add(struct symbol_table *table, struct elf_file *file)
{
	Elf_Scn *section = NULL;
	GElf_Shdr shdr;

	while ((section = elf_nextscn(file->elf, section))) {
		if (gelf_getshdr(section, &shdr) && (shdr.sh_type == SHT_SYMTAB || shdr.sh_type == SHT_DYNSYM))
			read_symbols(table, file, section, &shdr);
	}
}

void symbol_table_sort(struct symbol_table *table)
{
	if (table->count)
		qsort(table->symbols, table->count, sizeof(*table->symbols), symbol_order);
	free(table->reach);
	table->reach = memory_zeroed(table->count, sizeof(*table->reach));
	for (size_t i = 0; i < table->count; i++) {
		uint64_t before = i ? table->reach[i - 1] : 0;

		table->reach[i] = table->symbols[i].end > before ? table->symbols[i].end : before;
	}
}

bool symbol_table_is_empty(const struct symbol_table *table)
{
	return table->count == 0;
}

/** Number of symbols that begin at or below an address. */
static size_t count_up_to(const struct symbol_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->symbols[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/** The symbol without a size that the address belongs to: nothing with a size may begin between them. */
static const struct symbol *find_sizeless(const struct symbol_table *table, size_t count, uint64_t address)
{
	const struct symbol *nearest = &table->symbols[count - 1], *found = NULL;

	for (size_t i = count; i-- > 0 && table->symbols[i].start == nearest->start;) {
		const struct symbol *symbol = &table->symbols[i];

		if (symbol->end > symbol->start)
			return NULL;
		if (address < symbol->section_end)
			found = symbol;
	}
	return found;
}

/** The innermost symbol whose size reaches the address; of several with the same start the best name. */
static const struct symbol *find_sized(const struct symbol_table *table, size_t count, uint64_t address)
{
	const struct symbol *found = NULL;

	for (size_t i = count; i-- > 0 && table->reach[i] > address;) {
		const struct symbol *symbol = &table->symbols[i];

		if (found && symbol->start != found->start)
			break;
		if (symbol->end > address)
			found = symbol;
	}
	return found;
}

const char *symbol_table_find(const struct symbol_table *table, uint64_t address, uint64_t *start)
{
	size_t count = count_up_to(table, address);
	const struct symbol *symbol;

	if (!count)
		return NULL;
	symbol = find_sized(table, count, address);
	if (!symbol)
		symbol = find_sizeless(table, count, address);
	if (!symbol)
		return NULL;
	*start = symbol->start;
	return symbol->name;
}

void symbol_table_free(struct symbol_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->name_count; i++)
		free(table->names[i]);
	free(table->symbols);
	free(table->reach);
	free(table);
}
