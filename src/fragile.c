// SPDX-License-Identifier: MIT

#include "fragile.h"
#include "guest.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LEVELS 3 /* a script, its interpreter, that one's */
#define SCRIPT_LINE 256 /* bytes of a "#!" line that the kernel reads */
#define MAX_PARTS 64 /* program headers */
#define MAX_LOADS 8
#define MAX_NEEDED 16 /* a sanitizer's runtime is the first library of all, or it would not bear the others */
#define MAX_CHAIN 256
#define MAX_NAME 255
#define MAX_DIRECTORY 384

/* An open file, and what was read of it last. */
struct file {
	int fd;
	uint64_t start; /* of the window in the file */
	size_t size;    /* bytes in it */
	char window[512];
};

struct load {
	uint64_t address, offset, size;
};

/* Where things are in an ELF file: offsets, 0 if they are not there. */
struct layout {
	uint64_t loader, loader_size;
	uint64_t dynamic, dynamic_size;
	uint64_t strings, symbols, hash;
	uint32_t needed[MAX_NEEDED]; /* names of libraries, in the strings */
	unsigned load_count, needed_count;
	struct load loads[MAX_LOADS];
};

/* Bytes of the file, good until the next call; NULL if it has none there. */
static char *look(struct file *file, uint64_t offset, size_t size)
{
	if (offset < file->start || offset - file->start > file->size || size > file->size - (offset - file->start)) {
		long got = raw_call(SYS_pread64, file->fd, file->window, sizeof(file->window), offset);

		file->start = offset;
		file->size = got > 0 ? (size_t)got : 0;
	}
	return size <= file->size - (offset - file->start) ? file->window + (offset - file->start) : NULL;
}

static bool copy(struct file *file, uint64_t offset, void *out, size_t size)
{
	const char *bytes = look(file, offset, size);

	if (bytes)
		memcpy(out, bytes, size);
	return bytes != NULL;
}

static bool has(struct file *file, uint64_t offset, const char *text, size_t size)
{
	const char *bytes = look(file, offset, size);

	return bytes && !memcmp(bytes, text, size);
}

static bool is_musl(const char *path)
{
	const char *name = path;

	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	for (path = "ld-musl"; *path && *name == *path; path++)
		name++;
	return !*path;
}

static void note_part(struct layout *layout, const Elf64_Phdr *part)
{
	if (part->p_type == PT_INTERP) {
		layout->loader = part->p_offset;
		layout->loader_size = part->p_filesz;
	} else if (part->p_type == PT_DYNAMIC) {
		layout->dynamic = part->p_offset;
		layout->dynamic_size = part->p_filesz;
	} else if (part->p_type == PT_LOAD && layout->load_count < MAX_LOADS) {
		layout->loads[layout->load_count++] = (struct load){part->p_vaddr, part->p_offset, part->p_filesz};
	}
}

static NOINLINE bool read_parts(struct file *file, struct layout *layout)
{
	Elf64_Ehdr head;
	Elf64_Phdr part;

	if (!copy(file, 0, &head, sizeof(head)) || memcmp(head.e_ident, ELFMAG, SELFMAG) ||
	    head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != EM_X86_64 || head.e_phentsize != sizeof(part) ||
	    head.e_phnum > MAX_PARTS)
		return false;
	for (unsigned i = 0; i < head.e_phnum; i++) {
		if (!copy(file, head.e_phoff + i * sizeof(part), &part, sizeof(part)))
			return false;
		note_part(layout, &part);
	}
	return layout->loader && layout->dynamic;
}

static uint64_t offset_of(const struct layout *layout, uint64_t address)
{
	for (unsigned i = 0; i < layout->load_count; i++)
		if (address - layout->loads[i].address < layout->loads[i].size)
			return address - layout->loads[i].address + layout->loads[i].offset;
	return 0;
}

static bool read_dynamic(struct file *file, struct layout *layout)
{
	Elf64_Dyn entry;

	for (uint64_t at = 0; at + sizeof(entry) <= layout->dynamic_size; at += sizeof(entry)) {
		if (!copy(file, layout->dynamic + at, &entry, sizeof(entry)))
			return false;
		if (entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag == DT_NEEDED && layout->needed_count < MAX_NEEDED)
			layout->needed[layout->needed_count++] = (uint32_t)entry.d_un.d_val;
		else if (entry.d_tag == DT_STRTAB)
			layout->strings = offset_of(layout, entry.d_un.d_ptr);
		else if (entry.d_tag == DT_SYMTAB)
			layout->symbols = offset_of(layout, entry.d_un.d_ptr);
		else if (entry.d_tag == DT_GNU_HASH)
			layout->hash = offset_of(layout, entry.d_un.d_ptr);
	}
	return layout->strings;
}

/* Those that bear another library before them (lsan, ubsan) are not here. */
static bool needs_sanitizer(struct file *file, const struct layout *layout)
{
	static const char *const names[] = {
		"libasan.so", "libtsan.so", "libhwasan.so",
		"libclang_rt.asan", "libclang_rt.tsan", "libclang_rt.hwasan",
	};

	for (unsigned i = 0; i < layout->needed_count; i++)
		for (unsigned j = 0; j < sizeof(names) / sizeof(*names); j++)
			if (has(file, layout->strings + layout->needed[i], names[j], strlen(names[j])))
				return true;
	return false;
}

static bool is_defined(struct file *file, const struct layout *layout, uint32_t symbol, const char *name)
{
	Elf64_Sym found;

	return copy(file, layout->symbols + symbol * sizeof(found), &found, sizeof(found)) &&
	       found.st_shndx != SHN_UNDEF && has(file, layout->strings + found.st_name, name, strlen(name) + 1);
}

/* Does the program itself bring a symbol that others can see? The filter in front of the table mostly says no. */
static bool defines(struct file *file, const struct layout *layout, const char *name)
{
	struct {
		uint32_t buckets, first, words, shift;
	} head;
	uint64_t filter = layout->hash + sizeof(head), word;
	uint32_t hash = 5381, symbol, entry;

	for (const char *c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	if (!layout->hash || !layout->symbols || !copy(file, layout->hash, &head, sizeof(head)) || !head.buckets ||
	    !head.words || !copy(file, filter + hash / 64 % head.words * 8ull, &word, sizeof(word)) ||
	    !(word >> (hash & 63) & word >> (hash >> (head.shift & 31) & 63) & 1))
		return false;
	uint64_t bucket = filter + head.words * 8ull, chain = bucket + head.buckets * 4ull;

	if (!copy(file, bucket + hash % head.buckets * 4ull, &symbol, sizeof(symbol)) || symbol < head.first)
		return false;
	for (unsigned i = 0; i < MAX_CHAIN; i++, symbol++) {
		if (!copy(file, chain + (symbol - head.first) * 4ull, &entry, sizeof(entry)))
			return false;
		if ((entry | 1) == (hash | 1) && is_defined(file, layout, symbol, name))
			return true;
		if (entry & 1)
			return false;
	}
	return false;
}

static NOINLINE bool is_fragile(struct file *file)
{
	struct layout layout = {0};

	if (!read_parts(file, &layout))
		return false;
	const char *loader = look(file, layout.loader, layout.loader_size);

	if (!loader || !layout.loader_size || loader[layout.loader_size - 1])
		return false;
	return is_musl(loader) || (read_dynamic(file, &layout) &&
				   (needs_sanitizer(file, &layout) || defines(file, &layout, "__msan_init")));
}

/* The path behind "#!", in the file's window; NULL: it is no script. */
static const char *interpreter(struct file *file)
{
	char *line = look(file, 0, 2);
	size_t end = file->size < SCRIPT_LINE ? file->size : SCRIPT_LINE, i = 2;

	if (!line || line[0] != '#' || line[1] != '!')
		return NULL;
	while (i < end && (line[i] == ' ' || line[i] == '\t'))
		i++;
	for (size_t start = i; i < end; i++) {
		if (line[i] && line[i] != ' ' && line[i] != '\t' && line[i] != '\n')
			continue;
		line[i] = 0;
		return line + start;
	}
	return NULL;
}

/* Could exec take it? Nothing else is opened: that would not go unnoticed with a device or a pipe. */
static NOINLINE bool is_program(int directory, const char *path)
{
	struct stat status;

	return !raw_call(SYS_newfstatat, directory, path, &status, 0) && S_ISREG(status.st_mode) &&
	       !raw_call(SYS_faccessat, directory, path, X_OK, 0);
}

/* 1: fragile, 0: not, or not known, -1: no program. */
static int examine(int directory, const char *path)
{
	struct file file;
	int fragile = -1;

	for (int level = 0; path && level < MAX_LEVELS; level++, directory = AT_FDCWD) {
		if (!is_program(directory, path))
			return fragile;
		if (is_musl(path)) /* its loader, called by name */
			return 1;
		file.fd = (int)raw_call(SYS_openat, directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
		if (file.fd < 0)
			return 0;
		file.start = file.size = 0;
		path = interpreter(&file);
		fragile = !path && is_fragile(&file);
		raw_close(file.fd);
	}
	return fragile;
}

bool fragile_file(int directory, const char *path)
{
	return examine(directory, path) > 0;
}

static size_t length_of(const char *directory)
{
	size_t length = 0;

	while (directory[length] && directory[length] != ':')
		length++;
	return length;
}

bool fragile_in_path(const char *name, const char *directories)
{
	size_t size = strlen(name) + 1, longest = 0;
	const char *at = directories;
	int found = -1;

	for (; *at; at += length_of(at) + (at[length_of(at)] == ':'))
		longest = length_of(at) > longest ? length_of(at) : longest;
	if (size == 1 || size > MAX_NAME + 1 || longest > MAX_DIRECTORY)
		return false;
	char path[longest + 1 + size];

	for (at = directories; found < 0;) {
		size_t length = length_of(at);

		if (length > longest) /* another thread is changing it */
			return false;
		memcpy(path, at, length);
		path[length] = '/';
		memcpy(path + length + (length > 0), name, size);
		found = examine(AT_FDCWD, path);
		if (!at[length])
			break;
		at += length + 1;
	}
	return found > 0;
}
