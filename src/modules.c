// SPDX-License-Identifier: MIT

#include "modules.h"
#include "chunks.h"
#include "clock.h"
#include "guest.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#define MAX_MODULES 8192u
#define MAX_PATH 4096u

/* What this process knows of a recorded module. */
struct known {
	uintptr_t start, end;
	const void *link_map;
	struct ht_module *record;
	uint32_t owner;  /* the process that wrote the record: a fork child must not change its parent's */
	uint32_t number; /* [atomic] stored last; 0 when it is gone */
};

static struct known *known;   /* [atomic] */
static uint32_t known_count;  /* [atomic] */
static struct known *last_hit; /* [atomic] a hint */
static char executable[MAX_PATH];
static char directory[MAX_PATH];

/* Space in MODULES chunks: the chunk, and bytes used of it. Taken by one atomic add. */
static struct room {
	struct ht_chunk *chunk; /* [atomic] */
	uint32_t used;          /* [atomic] */
} rooms[64];
static uint32_t room_count; /* [atomic] */

void modules_forked(void)
{
	for (unsigned i = 0; i < sizeof(rooms) / sizeof(*rooms); i++)
		rooms[i] = (struct room){0};
	room_count = 0;
}

void modules_start(void)
{
	long length = raw_call(SYS_readlink, "/proc/self/exe", executable, MAX_PATH - 1, 0);

	if (length <= 0) {
		for (const unsigned long *aux = guest.auxv; aux && aux[0]; aux += 2)
			if (aux[0] == AT_EXECFN)
				for (length = 0; length < MAX_PATH - 1 && ((const char *)aux[1])[length]; length++)
					executable[length] = ((const char *)aux[1])[length];
	}
	executable[length > 0 ? length : 0] = 0;
	if (raw_call(SYS_getcwd, directory, MAX_PATH - 1, 0, 0) < 0)
		directory[0] = 0;
}

static char *take_room(uint32_t size)
{
	for (;;) {
		uint32_t count = load_acquire(&room_count);

		if (count && count <= 64) {
			struct room *room = &rooms[count - 1];
			uint32_t at = add_relaxed(&room->used, size);

			if (room->chunk && at + size <= HT_GRANULE - 8)
				return (char *)room->chunk + at;
		}
		if (count >= 64)
			return NULL;
		struct ht_chunk *chunk = chunk_take(HT_CHUNK_MODULES, HT_GRANULE, 0, 0);

		if (!chunk)
			return NULL;
		chunk_publish(chunk);
		/* Two threads may take a chunk each; the second one's stays empty. */
		struct ht_chunk *none = NULL;

		if (__atomic_compare_exchange_n(&rooms[count].chunk, &none, chunk, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			store_relaxed(&rooms[count].used, (uint32_t)sizeof(struct ht_chunk));
			store_release(&room_count, count + 1);
		}
	}
}

/* The ELF header is mapped with the first segment, in all but contrived files. */
static const ElfW(Ehdr) *elf_header(const struct object *object)
{
	const ElfW(Ehdr) *header = (const void *)object->start;

	if (object->end - object->start < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) ||
	    header->e_phentsize != sizeof(ElfW(Phdr)) ||
	    header->e_phoff + (size_t)header->e_phnum * sizeof(ElfW(Phdr)) > 4096)
		return NULL;
	return header;
}

static const ElfW(Phdr) *program_headers(const struct object *object, unsigned *count)
{
	const ElfW(Ehdr) *header = elf_header(object);

	*count = header ? header->e_phnum : 0;
	return header ? (const void *)((const char *)header + header->e_phoff) : NULL;
}

static const uint8_t *build_id(const struct object *object, const ElfW(Phdr) *phdrs, unsigned count, uint32_t *size)
{
	for (unsigned i = 0; i < count; i++) {
		const char *note = (const char *)(object->bias + phdrs[i].p_vaddr), *end = note + phdrs[i].p_memsz;

		if (phdrs[i].p_type != PT_NOTE || (uintptr_t)note < object->start || (uintptr_t)end > object->end)
			continue;
		while (end - note >= (long)sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *header = (const void *)note;
			const char *name = note + sizeof(*header);
			const char *value = name + ((header->n_namesz + 3) & ~3u);

			if (value + header->n_descsz > end)
				break;
			if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 && !memcmp(name, "GNU", 4)) {
				*size = header->n_descsz <= 64 ? header->n_descsz : 64;
				return (const uint8_t *)value;
			}
			note = value + ((header->n_descsz + 3) & ~3u);
		}
	}
	*size = 0;
	return NULL;
}

/* A path in two parts: a relative one gets the directory that the program was started in. */
static void object_path(const struct object *object, const char **prefix, const char **path, uint32_t *flags)
{
	uintptr_t vdso = 0;

	for (const unsigned long *aux = guest.auxv; aux && aux[0]; aux += 2)
		if (aux[0] == AT_SYSINFO_EHDR)
			vdso = aux[1];
	*prefix = "";
	*path = object->path ? object->path : "";
	*flags = 0;
	if (vdso && vdso - object->start < object->end - object->start) {
		*path = "[vdso]";
		*flags = HT_MODULE_VDSO;
		return;
	}
	if ((uintptr_t)object_path - object->start < object->end - object->start)
		*flags = HT_MODULE_SELF;
	if (!**path) {
		*path = executable;
		*flags = HT_MODULE_MAIN;
	}
	if (**path != '/' && directory[0] == '/')
		*prefix = directory;
}

static uint32_t fill_phdrs(struct ht_phdr *out, const ElfW(Phdr) *phdrs, unsigned count)
{
	uint32_t filled = 0;

	for (unsigned i = 0; i < count; i++) {
		if (phdrs[i].p_type != PT_LOAD)
			continue;
		if (out)
			out[filled] = (struct ht_phdr){phdrs[i].p_type, phdrs[i].p_flags, phdrs[i].p_offset,
						       phdrs[i].p_vaddr, phdrs[i].p_filesz, phdrs[i].p_memsz};
		filled++;
	}
	return filled;
}

static uint32_t append(char *out, const char *text, uint32_t limit)
{
	uint32_t length = 0;

	for (; text[length] && length < limit; length++)
		out[length] = text[length];
	return length;
}

static uint32_t length_of(const char *text)
{
	uint32_t length = 0;

	while (length < MAX_PATH && text[length])
		length++;
	return length;
}

static struct ht_module *write_record(const struct object *object, uint32_t number)
{
	unsigned count;
	const ElfW(Phdr) *phdrs = program_headers(object, &count);
	const char *prefix, *path;
	uint32_t id_size, flags;
	const uint8_t *id = build_id(object, phdrs, count, &id_size);
	uint32_t loads = fill_phdrs(NULL, phdrs, count);

	object_path(object, &prefix, &path, &flags);
	uint32_t path_size = length_of(prefix) + (*prefix != 0) + length_of(path);
	uint32_t size = (uint32_t)(sizeof(struct ht_module) + loads * sizeof(struct ht_phdr)) + id_size + path_size;

	size = (size + 7) & ~7u;
	struct ht_module *record = (struct ht_module *)take_room(size);

	if (!record)
		return NULL;
	record->size = size;
	record->bias = object->bias;
	record->start = object->start;
	record->end = object->end;
	record->loaded_ns = clock_now();
	record->flags = flags;
	record->phdrs = fill_phdrs((struct ht_phdr *)(record + 1), phdrs, count);
	record->build_id = id_size;
	record->path = path_size;
	char *out = (char *)(record + 1) + loads * sizeof(struct ht_phdr);

	if (id_size)
		memcpy(out, id, id_size);
	out += id_size;
	out += append(out, prefix, MAX_PATH);
	if (*prefix)
		*out++ = '/';
	append(out, path, MAX_PATH);
	store_release(&record->number, number);
	return record;
}

static struct known *table(void)
{
	struct known *now = load_acquire(&known), *fresh;

	if (now)
		return now;
	fresh = memory_map(MAX_MODULES * sizeof(*fresh));
	if (fresh && !__atomic_compare_exchange_n(&known, &now, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return now;
	return fresh;
}

/* A library that comes back to its old place keeps its old record: a loop of dlopen and dlclose must not grow. */
static bool is_record_of(const struct ht_module *record, const struct object *object)
{
	unsigned count;
	const ElfW(Phdr) *phdrs = program_headers(object, &count);
	const char *prefix, *path;
	uint32_t id_size, flags;
	const uint8_t *id = build_id(object, phdrs, count, &id_size);
	const char *kept = (const char *)(record + 1) + record->phdrs * sizeof(struct ht_phdr);

	object_path(object, &prefix, &path, &flags);
	uint32_t prefix_size = length_of(prefix), path_size = length_of(path);

	if (record->build_id != id_size || (id_size && memcmp(kept, id, id_size)))
		return false;
	kept += id_size;
	if (record->path != prefix_size + (prefix_size != 0) + path_size)
		return false;
	return !memcmp(kept, prefix, prefix_size) && !memcmp(kept + record->path - path_size, path, path_size);
}

static uint32_t revive(struct known *all, uint32_t count, const struct object *object)
{
	for (uint32_t i = 0; i < count && i < MAX_MODULES; i++) {
		struct known *k = &all[i];

		if (load_acquire(&k->number) || !k->record || k->start != object->start || k->end != object->end ||
		    k->record->bias != object->bias || !is_record_of(k->record, object))
			continue;
		k->link_map = object->link_map;
		if (k->owner == guest.number)
			store_relaxed(&k->record->unloaded_ns, 0);
		store_release(&k->number, k->record->number);
		return k->record->number;
	}
	return 0;
}

/* A library was unloaded behind our back (by libc itself): its place has a new owner. */
static bool place_was_taken(struct known *all, uint32_t count, const struct object *object)
{
	for (uint32_t i = 0; i < count && i < MAX_MODULES; i++)
		if (load_acquire(&all[i].number) && all[i].start < object->end && object->start < all[i].end)
			return true;
	return false;
}

static bool is_object(const struct known *k, const struct object *object)
{
	return load_acquire(&k->number) && k->start == object->start && k->end == object->end &&
	       k->link_map == object->link_map;
}

uint32_t module_number(const struct object *object)
{
	struct known *all = table(), *hit = load_relaxed(&last_hit);
	uint32_t count = load_acquire(&known_count);

	if (!all)
		return 0;
	if (hit && is_object(hit, object))
		return hit->number;
	for (uint32_t i = 0; i < count && i < MAX_MODULES; i++)
		if (is_object(&all[i], object)) {
			store_relaxed(&last_hit, &all[i]);
			return all[i].number;
		}
	if (place_was_taken(all, count, object))
		modules_check();
	uint32_t number = revive(all, count, object);

	if (number)
		return number;
	number = add_relaxed(&guest.header->modules, 1) + 1;
	struct ht_module *record = write_record(object, number);
	uint32_t place = record ? add_relaxed(&known_count, 1) : MAX_MODULES;

	if (place >= MAX_MODULES)
		return record ? number : 0;
	all[place].start = object->start;
	all[place].end = object->end;
	all[place].link_map = object->link_map;
	all[place].record = record;
	all[place].owner = guest.number;
	store_release(&all[place].number, number);
	return number;
}

const struct ht_module *module_at(uintptr_t address)
{
	struct known *all = load_acquire(&known), *hit = load_relaxed(&last_hit);
	uint32_t count = load_acquire(&known_count);

	if (hit && address - hit->start < hit->end - hit->start && load_acquire(&hit->number))
		return hit->record;
	for (uint32_t i = 0; all && i < count && i < MAX_MODULES; i++)
		if (address - all[i].start < all[i].end - all[i].start && load_acquire(&all[i].number))
			return all[i].record;
	return NULL;
}

void modules_check(void)
{
	uint32_t count = load_acquire(&known_count);
	bool gone = false;

	for (uint32_t i = 0; i < count && i < MAX_MODULES; i++) {
		struct known *k = &known[i];
		struct object now;

		if (!load_acquire(&k->number))
			continue;
		if (object_find(k->start, &now) && now.link_map == k->link_map && now.end == k->end)
			continue;
		if (k->owner == guest.number)
			store_relaxed(&k->record->unloaded_ns, clock_now());
		store_relaxed(&k->number, 0);
		gone = true;
	}
	if (gone)
		__atomic_fetch_add(&guest.epoch, 1, __ATOMIC_RELEASE);
}
