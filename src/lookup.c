// SPDX-License-Identifier: MIT

#include "lookup.h"
#include "guest.h"

#include <elf.h>
#include <link.h>

/* What an object's dynamic section says about its symbols. */
struct symbol_table {
	ElfW(Addr) bias;
	const ElfW(Sym) *symbols;
	const char *strings;
	const uint32_t *gnu_hash;
	const uint32_t *sysv_hash;
	const uint16_t *versions;
};

struct search {
	enum lookup_scope scope;
	const struct lookup_symbol *symbols;
	size_t count;
	bool self_seen;
};

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* ld.so relocates the dynamic section's addresses in place, but not the vdso's. */
static const void *dynamic_address(ElfW(Addr) bias, ElfW(Addr) value)
{
	return (const void *)(value < bias ? value + bias : value);
}

static bool read_dynamic(const struct dl_phdr_info *info, struct symbol_table *table)
{
	const ElfW(Dyn) *dynamic = NULL;

	*table = (struct symbol_table){.bias = info->dlpi_addr};
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dynamic = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	if (!dynamic)
		return false;
	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const void *address = dynamic_address(info->dlpi_addr, dynamic->d_un.d_ptr);

		switch (dynamic->d_tag) {
		case DT_SYMTAB: table->symbols = address; break;
		case DT_STRTAB: table->strings = address; break;
		case DT_GNU_HASH: table->gnu_hash = address; break;
		case DT_HASH: table->sysv_hash = address; break;
		case DT_VERSYM: table->versions = address; break;
		}
	}
	return table->symbols && table->strings && (table->gnu_hash || table->sysv_hash);
}

static const ElfW(Sym) *matches(const struct symbol_table *table, uint32_t index, const char *name)
{
	const ElfW(Sym) *symbol = &table->symbols[index];
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	if (symbol->st_shndx == SHN_UNDEF || !symbol->st_value || (type != STT_FUNC && type != STT_NOTYPE))
		return NULL;
	if (table->versions && (table->versions[index] & 0x8000)) /* an old version, not the default */
		return NULL;
	return same(table->strings + symbol->st_name, name) ? symbol : NULL;
}

static const ElfW(Sym) *find_gnu(const struct symbol_table *table, const char *name)
{
	const uint32_t *header = table->gnu_hash;
	uint32_t buckets = header[0], bias = header[1], bloom_size = header[2];
	const ElfW(Addr) *bloom = (const void *)&header[4];
	const uint32_t *bucket = (const void *)&bloom[bloom_size];
	const uint32_t *chain = bucket + buckets;
	uint32_t hash = 5381;

	for (const char *c = name; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	ElfW(Addr) word = bloom[(hash / 64) & (bloom_size - 1)];

	if (!(word >> (hash & 63) & word >> ((hash >> header[3]) & 63) & 1) || !buckets)
		return NULL;
	uint32_t index = bucket[hash % buckets];

	if (index < bias)
		return NULL;
	for (;; index++) {
		uint32_t entry = chain[index - bias];
		const ElfW(Sym) *symbol;

		if ((entry | 1) == (hash | 1) && (symbol = matches(table, index, name)))
			return symbol;
		if (entry & 1)
			return NULL;
	}
}

static const ElfW(Sym) *find_sysv(const struct symbol_table *table, const char *name)
{
	const uint32_t *header = table->sysv_hash;
	uint32_t hash = 0;

	for (const char *c = name; *c; c++) {
		hash = (hash << 4) + (unsigned char)*c;
		hash = (hash ^ ((hash & 0xf0000000) >> 24)) & 0x0fffffff;
	}
	if (!header[0])
		return NULL;
	for (uint32_t i = header[2 + hash % header[0]]; i; i = header[2 + header[0] + i]) {
		const ElfW(Sym) *symbol = matches(table, i, name);

		if (symbol)
			return symbol;
	}
	return NULL;
}

static bool holds(const struct dl_phdr_info *info, uintptr_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];

		if (phdr->p_type == PT_LOAD && address - (info->dlpi_addr + phdr->p_vaddr) < phdr->p_memsz)
			return true;
	}
	return false;
}

static bool is_vdso(const struct dl_phdr_info *info)
{
	for (const unsigned long *aux = guest.auxv; aux && aux[0]; aux += 2)
		if (aux[0] == AT_SYSINFO_EHDR)
			return holds(info, aux[1]);
	return false;
}

static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;
	struct symbol_table table;
	bool self = holds(info, (uintptr_t)visit);
	bool vdso = is_vdso(info);

	if (self) {
		search->self_seen = true;
		return 0;
	}
	if (search->scope == LOOKUP_NEXT && !search->self_seen)
		return 0;
	if (vdso != (search->scope == LOOKUP_VDSO) || !read_dynamic(info, &table))
		return 0;
	for (size_t i = 0; i < search->count; i++) {
		const struct lookup_symbol *wanted = &search->symbols[i];
		const ElfW(Sym) *symbol;

		if (*wanted->address)
			continue;
		symbol = table.gnu_hash ? find_gnu(&table, wanted->name) : find_sysv(&table, wanted->name);
		if (!symbol)
			continue;
		*wanted->address = (void *)(table.bias + symbol->st_value);
		if (wanted->size)
			*wanted->size = symbol->st_size;
	}
	return 0;
}

void lookup_find(enum lookup_scope scope, const struct lookup_symbol *symbols, size_t count)
{
	struct search search = {.scope = scope, .symbols = symbols, .count = count};

	dl_iterate_phdr(visit, &search);
}

struct first {
	const char *name;
	void *address;
};

static int visit_first(struct dl_phdr_info *info, size_t size, void *data)
{
	struct first *first = data;
	struct symbol_table table;
	const ElfW(Sym) *symbol;

	if (is_vdso(info) || !read_dynamic(info, &table))
		return 0;
	symbol = table.gnu_hash ? find_gnu(&table, first->name) : find_sysv(&table, first->name);
	if (symbol)
		first->address = (void *)(table.bias + symbol->st_value);
	return symbol != NULL;
}

void *lookup_first(const char *name)
{
	struct first first = {.name = name};

	dl_iterate_phdr(visit_first, &first);
	return first.address;
}

struct own {
	const char *const *names;
	size_t count;
	uint64_t *addresses;
};

static int visit_self(struct dl_phdr_info *info, size_t size, void *data)
{
	struct own *own = data;
	struct symbol_table table;

	if (!holds(info, (uintptr_t)visit_self))
		return 0;
	if (!read_dynamic(info, &table))
		return 1;
	for (size_t i = 0; i < own->count; i++) {
		const ElfW(Sym) *symbol = table.gnu_hash ? find_gnu(&table, own->names[i])
							 : find_sysv(&table, own->names[i]);

		own->addresses[i] = symbol ? table.bias + symbol->st_value : 0;
	}
	return 1;
}

void lookup_self(const char *const *names, size_t count, uint64_t *addresses)
{
	struct own own = {names, count, addresses};

	dl_iterate_phdr(visit_self, &own);
}
