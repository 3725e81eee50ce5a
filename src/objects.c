// SPDX-License-Identifier: MIT

/*
 * Which object holds an address: _dl_find_object() of glibc 2.35, which is lock-free, or dl_iterate_phdr().
 */

#include "cfi.h"
#include "guest.h"
#include "real.h"

#include <elf.h>
#include <link.h>

/* struct dl_find_object, for building with an older glibc as well. */
struct found_object {
	unsigned long long flags;
	void *map_start, *map_end;
	struct link_map *link_map;
	void *eh_frame;
	unsigned long long reserved[7];
};

struct walk {
	uintptr_t address;
	struct object *object;
};

static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
	struct walk *walk = data;
	struct object found = {.bias = info->dlpi_addr, .start = UINTPTR_MAX, .path = info->dlpi_name};

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + phdr->p_vaddr;

		if (phdr->p_type == PT_GNU_EH_FRAME)
			found.eh_frame_hdr = (const void *)start;
		if (phdr->p_type != PT_LOAD)
			continue;
		if (start < found.start)
			found.start = start & ~(uintptr_t)4095;
		if (start + phdr->p_memsz > found.end)
			found.end = start + phdr->p_memsz;
	}
	if (walk->address < found.start || walk->address >= found.end)
		return 0;
	*walk->object = found;
	return 1;
}

void objects_start(void)
{
	const ElfW(Phdr) *phdrs = NULL;
	size_t count = 0;
	uintptr_t bias = 0;

	for (const unsigned long *aux = guest.auxv; aux && aux[0]; aux += 2) {
		if (aux[0] == AT_PHDR)
			phdrs = (const void *)aux[1];
		if (aux[0] == AT_PHNUM)
			count = aux[1];
	}
	for (size_t i = 0; i < count && phdrs; i++)
		if (phdrs[i].p_type == PT_PHDR)
			bias = (uintptr_t)phdrs - phdrs[i].p_vaddr;
	guest.main_start = UINTPTR_MAX;
	for (size_t i = 0; i < count && phdrs; i++) {
		uintptr_t start = (bias + phdrs[i].p_vaddr) & ~(uintptr_t)4095, end = bias + phdrs[i].p_vaddr + phdrs[i].p_memsz;

		if (phdrs[i].p_type != PT_LOAD)
			continue;
		guest.main_start = start < guest.main_start ? start : guest.main_start;
		guest.main_end = end > guest.main_end ? end : guest.main_end;
	}
}

/* The loader has a range for each segment where there are gaps between them, as only an executable has. */
static void whole_executable(struct object *object)
{
	if (object->start < guest.main_start || object->start >= guest.main_end)
		return;
	object->start = guest.main_start;
	object->end = guest.main_end;
}

bool object_find(uintptr_t address, struct object *object)
{
	int (*find)(void *, struct found_object *) = (int (*)(void *, struct found_object *))real.dl_find_object;
	struct found_object found;

	if (!find) {
		struct walk walk = {address, object};

		return dl_iterate_phdr(visit, &walk) == 1;
	}
	if (find((void *)address, &found))
		return false;
	*object = (struct object){
		.start = (uintptr_t)found.map_start,
		.end = (uintptr_t)found.map_end,
		.bias = found.link_map ? found.link_map->l_addr : 0,
		.eh_frame_hdr = found.eh_frame,
		.link_map = found.link_map,
		.path = found.link_map ? found.link_map->l_name : NULL,
	};
	if (object->path && !*object->path)
		whole_executable(object);
	return true;
}
