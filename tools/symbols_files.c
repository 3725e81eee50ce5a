// SPDX-License-Identifier: MIT

/* Where the names of a module are: see symbols_files.h. */

#include "symbols_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "memory.h"
#include "paths.h"

#define DOWNLOAD_SECONDS 90

/** The search for one module. */
struct search {
	const struct module *module;
	const struct options *options;
	char id[2 * 64 + 1];     /* build id in hex, "" if there is none */
	char *link;              /* name in the debug link, or NULL */
	uint32_t link_sum;
	char *found;
};

static bool fits(const struct search *search, struct elf_file *file, const char *path)
{
	uint8_t id[64];
	size_t size = elf_file_build_id(file, id);

	if (search->module->build_id_size)
		return size == search->module->build_id_size && !memcmp(id, search->module->build_id, size);
	return search->link && elf_file_checksum(path) == search->link_sum;
}

/** Try a path, which is freed. @return true if it is the debug file; search->found then is its name */
static bool try(struct search *search, char *path)
{
	struct elf_file *file = elf_file_open(path);

	if (file && elf_file_is_debug(file) && fits(search, file, path))
		search->found = path;
	else
		free(path);
	elf_file_close(file);
	return search->found != NULL;
}

/** A directory of debug files: by build id as distributions lay it out, else by name. */
static bool try_directory(struct search *search, const char *directory, bool by_name)
{
	const char *path = search->module->path, *id = search->id;

	if (*id && (try(search, memory_format("%s/.build-id/%.2s/%s.debug", directory, id, id + 2)) ||
		    try(search, memory_format("%s/%.2s/%s.debug", directory, id, id + 2)) ||
		    try(search, memory_format("%s/.build-id/%.2s/%s", directory, id, id + 2)) ||
		    try(search, memory_format("%s/%s/debuginfo", directory, id))))
		return true;
	if (*path == '/' && search->link &&
	    try(search, memory_format("%s%.*s%s", directory, (int)(base_name(path) - path), path, search->link)))
		return true;
	if (!by_name)
		return false;
	return (search->link && try(search, memory_format("%s/%s", directory, search->link))) ||
	       try(search, memory_format("%s/%s.debug", directory, base_name(path))) ||
	       try(search, memory_format("%s/%s", directory, base_name(path)));
}

/** Beside the binary and in .debug/ there, by the debug link. */
static bool try_link(struct search *search)
{
	const char *path = search->module->path;
	int length = (int)(base_name(path) - path);

	if (!search->link || strchr(search->link, '/'))
		return false;
	return (strcmp(search->link, base_name(path)) != 0 && try(search, memory_format("%.*s%s", length, path, search->link))) ||
	       try(search, memory_format("%.*s.debug/%s", length, path, search->link));
}

/** What debuginfod clients have downloaded. */
static bool try_downloads(struct search *search)
{
	const char *path = getenv("DEBUGINFOD_CACHE_PATH"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (!*search->id)
		return false;
	if (path && *path && try(search, memory_format("%s/%s/debuginfo", path, search->id)))
		return true;
	if (cache && *cache && try(search, memory_format("%s/debuginfod_client/%s/debuginfo", cache, search->id)))
		return true;
	return home && (try(search, memory_format("%s/.cache/debuginfod_client/%s/debuginfo", home, search->id)) ||
			try(search, memory_format("%s/.debuginfod_client_cache/%s/debuginfo", home, search->id)));
}

struct answer {
	char path[4096];
	size_t size;
};

static bool take_path(void *context, const char *bytes, size_t size)
{
	struct answer *answer = context;

	if (answer->size + size >= sizeof(answer->path))
		return false;
	memcpy(answer->path + answer->size, bytes, size);
	answer->size += size;
	return true;
}

/** Ask the network, if the user has said where. A client that is missing or a server that does not answer is asked once. */
static bool try_network(struct search *search)
{
	static bool given_up;
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct answer answer = { .size = 0 };
	char *argv[] = { "debuginfod-find", "debuginfo", search->id, NULL };
	struct child_job job = { .argv = argv, .take = take_path, .context = &answer,
				 .idle_seconds = DOWNLOAD_SECONDS, .total_seconds = DOWNLOAD_SECONDS };
	enum child_end end;

	if (given_up || !*search->id || !urls || !*urls || !search->options->lines || search->module->flags & HT_MODULE_VDSO)
		return false;
	end = child_run(&job);
	if (end == CHILD_NOT_FOUND || end == CHILD_HUNG) {
		given_up = true;
		fprintf(stderr, "[heaptrace] DEBUGINFOD_URLS is set, but debuginfod-find %s: no debug info is downloaded\n",
			child_end_text(end));
	}
	if (end != CHILD_DONE)
		return false;
	answer.path[strcspn(answer.path, "\n")] = '\0';
	return try(search, memory_copy_string(answer.path));
}

static char *find_debug(struct search *search)
{
	static const char *const places[] = { "/usr/lib/debug", "/usr/local/lib/debug" };
	const char *own = search->options->debug_dir;

	if (own && *own && try_directory(search, own, true))
		return search->found;
	if (try_link(search))
		return search->found;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (try_directory(search, places[i], false))
			return search->found;
	}
	if (!try_downloads(search))
		try_network(search);
	return search->found;
}

/** Why the module's own file does not serve. */
static const char *remark_on(const char *path)
{
	struct stat status;

	if (*path != '/')
		return NULL;
	if (stat(path, &status))
		return errno == ENOENT || errno == ENOTDIR ? "file is gone" : "file can not be read";
	return access(path, R_OK) ? "file can not be read" : "file has changed";
}

/** Take a path, which is freed or kept, if it is the module's own file. */
static struct elf_file *try_binary(struct module_files *files, const struct module *module, char *path)
{
	struct elf_file *file = elf_file_open(path);

	if (file && elf_file_is(file, module)) {
		files->binary = path;
		return file;
	}
	elf_file_close(file);
	free(path);
	return NULL;
}

/** The module's own file: by its name, or through the process while it lives. */
static struct elf_file *find_binary(struct module_files *files, const struct module *module, int pid)
{
	struct elf_file *file = try_binary(files, module, memory_copy_string(module->path));

	if (!file && pid > 0 && *module->path == '/')
		file = try_binary(files, module, memory_format("/proc/%d/root%s", pid, module->path));
	if (!file && pid > 0 && module->flags & HT_MODULE_MAIN)
		file = try_binary(files, module, memory_format("/proc/%d/exe", pid));
	return file;
}

void module_files_find(struct module_files *files, const struct module *module, int pid, const struct options *options)
{
	struct search search = { .module = module, .options = options };
	struct elf_file *file;
	bool complete = false;

	*files = (struct module_files) { .binary = NULL };
	for (uint32_t i = 0; i < module->build_id_size; i++)
		sprintf(search.id + 2 * i, "%02x", module->build_id[i]);
	file = find_binary(files, module, pid);
	if (file) {
		search.link = elf_file_link(file, &search.link_sum);
		complete = elf_file_has_lines(file);
	} else {
		files->remark = remark_on(module->path);
	}
	elf_file_close(file);
	if (!complete)
		files->debug = find_debug(&search);
	free(search.link);
}

void module_files_free(struct module_files *files)
{
	free(files->binary);
	free(files->debug);
	*files = (struct module_files) { .binary = NULL };
}
