// SPDX-License-Identifier: MIT

/* See naming.h. */

#include "naming.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/symbols.h"
#include "../../tools/symbols_elf.h"

bool naming_run(const char *directory, const char *command)
{
	char *text = NULL;
	int status;

	if (asprintf(&text, "cd %s && { %s; } >/dev/null 2>log", directory, command) < 0)
		return false;
	status = system(text);
	free(text);
	return status == 0;
}

bool naming_have(const char *program)
{
	char *text = NULL;
	bool found;

	if (asprintf(&text, "command -v %s >/dev/null", program) < 0)
		return false;
	found = system(text) == 0;
	free(text);
	return found;
}

/** The loaded segments of a 64-bit file. */
static uint32_t read_segments(const char *path, struct ht_phdr *phdrs, uint32_t room)
{
	FILE *file = fopen(path, "r");
	Elf64_Ehdr head;
	Elf64_Phdr phdr;
	uint32_t count = 0;

	if (!file || !fread(&head, sizeof(head), 1, file) || fseek(file, (long)head.e_phoff, SEEK_SET))
		return 0;
	for (unsigned i = 0; i < head.e_phnum && count < room && fread(&phdr, sizeof(phdr), 1, file); i++) {
		if (phdr.p_type == PT_LOAD)
			phdrs[count++] = (struct ht_phdr) { phdr.p_type, phdr.p_flags, phdr.p_offset, phdr.p_vaddr,
							    phdr.p_filesz, phdr.p_memsz };
	}
	fclose(file);
	return count;
}

void naming_identify(struct fixture *fixture, const char *path, const char *original)
{
	struct elf_file *file = elf_file_open(original);

	*fixture = (struct fixture) { .module = { .path = (char *)path, .end = UINT64_MAX } };
	fixture->model = (struct model) { .modules = &fixture->module, .module_count = 1, .frames = &fixture->frame,
					  .frame_count = 1 };
	fixture->link = &fixture->frame;
	fixture->module.build_id_size = (uint32_t)elf_file_build_id(file, fixture->module.build_id);
	fixture->module.phdrs = fixture->phdrs;
	fixture->module.phdr_count = read_segments(original, fixture->phdrs, 16);
	elf_file_close(file);
}

char *naming_describe(struct fixture *fixture, uint64_t address, uint64_t bias, const struct options *options)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fixture->frame = (struct frame) { .address = address, .module = &fixture->module };
	fixture->module.bias = bias;
	fixture->module.symbols = NULL;
	symbols_name(&fixture->model, &fixture->link, 1, options);
	for (unsigned i = 0; i < fixture->frame.name_count; i++) {
		const struct frame_name *name = &fixture->frame.names[i];

		fprintf(out, "%s%s%s%s", i ? ";" : "", name->inlined ? "(" : "", name->function ? name->function : "?",
			name->inlined ? ")" : "");
		if (name->file)
			fprintf(out, " %s:%u", name->file, name->line);
	}
	fclose(out);
	free(fixture->frame.names);
	return text;
}
