// SPDX-License-Identifier: MIT

/*
 * A check goes from the file that exec gets to the program that the kernel runs in the end: a script's interpreter, the
 * word behind `env`, then the ELF file itself. A file without a head that the kernel knows is a script for /bin/sh, as
 * execvp() has it.
 */

#include "target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "command.h"
#include "paths.h"

#define MAX_INTERPRETERS 5
#define HEAD_SIZE 512

/** A check in progress. */
struct check {
	struct target *target;
	const char *library;
	unsigned level; /* interpreters followed */
};

static int check_file(struct check *check, const char *path);

__attribute__((format(printf, 4, 5)))
static int refuse(struct target *target, int exit_code, const char *reason, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(target->text, sizeof(target->text), format, arguments);
	va_end(arguments);
	target->reason = reason;
	target->exit_code = exit_code;
	return exit_code;
}

/** The same for a program that does not even start with our library in LD_PRELOAD. */
__attribute__((format(printf, 3, 4)))
static int refuse_preload(struct target *target, const char *reason, const char *format, ...)
{
	char text[sizeof(target->text)];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	target->bare = true;
	return refuse(target, EXIT_HEAPTRACE, reason, "%s", text);
}

/** Search PATH. @return 0 and the path; ENOENT, or EACCES if only files were found that cannot be executed */
static int search_path(const char *program, char *path, size_t size)
{
	char fallback[] = "/bin:/usr/bin";
	const char *directory = getenv("PATH");
	int error = ENOENT;
	if (!directory)
		directory = fallback;
	for (;;) {
		int length = (int)strcspn(directory, ":");
		struct stat status;
		snprintf(path, size, "%.*s%s%s", length, directory, length ? "/" : "", program);
		if (stat(path, &status) == 0 && S_ISREG(status.st_mode)) {
			if (access(path, X_OK) == 0)
				return 0;
			error = EACCES;
		} else if (errno == EACCES) {
			error = EACCES;
		}
		directory += length;
		if (!*directory++)
			return error;
	}
}

/** The words of a "#!" line: the interpreter and the rest, blanks cut off. @return false if it is no such line */
static bool split_script(char *head, size_t size, char **interpreter, char **argument)
{
	if (size < 3 || head[0] != '#' || head[1] != '!')
		return false;
	head[size < HEAD_SIZE ? size : HEAD_SIZE - 1] = '\0';
	head[strcspn(head, "\n")] = '\0';
	*interpreter = head + 2 + strspn(head + 2, " \t");
	char *end = *interpreter + strcspn(*interpreter, " \t");
	*argument = end + strspn(end, " \t");
	*end = '\0';
	for (size_t length = strlen(*argument); length && strchr(" \t\r", (*argument)[length - 1]);)
		(*argument)[--length] = '\0';
	return **interpreter != '\0';
}

/** The program that `env ARGUMENT` starts, or NULL if there is none to be seen. */
static char *word_behind_env(char *argument)
{
	for (char *word = strtok(argument, " \t"); word; word = strtok(NULL, " \t")) {
		if (word[0] != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

static int check_script(struct check *check, const char *script, const char *interpreter, char *argument)
{
	char path[PATH_MAX];
	struct stat status;
	if (check->level++ >= MAX_INTERPRETERS)
		return refuse(check->target, EXIT_NOT_EXECUTABLE, "script", "%s: its interpreters are scripts without end",
			      script);
	if (stat(interpreter, &status))
		return refuse(check->target, EXIT_NOT_EXECUTABLE, "script",
			      "%s cannot be executed: its interpreter %s is missing; correct its first line", script,
			      interpreter);
	int exit_code = check_file(check, interpreter);
	if (exit_code || strcmp(base_name(interpreter), "env") != 0)
		return exit_code;
	char *word = word_behind_env(argument);
	if (!word || strchr(word, '/'))
		return word ? check_file(check, word) : 0;
	if (search_path(word, path, sizeof(path)))
		return 0; /* env itself will say so */
	return check_file(check, path);
}

/** Would the kernel start it with other rights than ours (AT_SECURE)? Then the loader ignores LD_PRELOAD. */
static const char *gains_rights(const char *path, const struct stat *status)
{
	struct statvfs system;
	char capabilities[64];
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return NULL;
	if (statvfs(path, &system) == 0 && (system.f_flag & ST_NOSUID))
		return NULL;
	if ((status->st_mode & S_ISUID) && status->st_uid != getuid())
		return "setuid program";
	if ((status->st_mode & S_ISGID) && (status->st_mode & S_IXGRP) && status->st_gid != getgid())
		return "setgid program";
	if (getuid() != 0 && getxattr(path, "security.capability", capabilities, sizeof(capabilities)) > 0)
		return "program with file capabilities";
	return NULL;
}

/** What the checks want to know of an ELF file. */
struct elf_facts {
	char loader[PATH_MAX]; /* PT_INTERP, empty if there is none */
	bool is_loader;        /* it is the dynamic loader itself */
	bool own_malloc;
	const char *sanitizer;
	bool fragile; /* the sanitizer ends the program, or crashes, where another library comes before it */
};

static void read_dynamic(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct elf_facts *facts)
{
	static const char *const sanitizers[] = {"libasan.so", "libtsan.so", "liblsan.so", "libhwasan.so",
						 "libclang_rt.asan", "libclang_rt.tsan", "libclang_rt.hwasan"};
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Dyn entry;
	for (size_t i = 0; i < count && gelf_getdyn(data, (int)i, &entry); i++) {
		if (entry.d_tag != DT_SONAME && entry.d_tag != DT_NEEDED)
			continue;
		const char *name = elf_strptr(elf, header->sh_link, entry.d_un.d_val);
		if (!name)
			continue;
		if (entry.d_tag == DT_SONAME)
			facts->is_loader = strncmp(name, "ld-", 3) == 0 || strncmp(name, "ld.so", 5) == 0;
		for (size_t j = 0; entry.d_tag == DT_NEEDED && j < sizeof(sanitizers) / sizeof(*sanitizers); j++) {
			if (strncmp(name, sanitizers[j], strlen(sanitizers[j])) == 0) {
				facts->sanitizer = sanitizers[j];
				facts->fragile = strcmp(sanitizers[j], "liblsan.so") != 0;
			}
		}
	}
}

static void read_symbols(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, struct elf_facts *facts)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	GElf_Sym symbol;
	for (size_t i = 0; i < count && gelf_getsym(data, (int)i, &symbol); i++) {
		if (symbol.st_shndx == SHN_UNDEF || GELF_ST_BIND(symbol.st_info) == STB_LOCAL)
			continue;
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		if (!name)
			continue;
		if (strcmp(name, "malloc") == 0)
			facts->own_malloc = true;
		if (strcmp(name, "__msan_init") == 0 || strcmp(name, "__tsan_init") == 0)
			facts->fragile = true; /* linked into the program; without calls of its own it survives us */
	}
}

static void read_sections(Elf *elf, struct elf_facts *facts)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	while ((section = elf_nextscn(elf, section)) && gelf_getshdr(section, &header)) {
		if (header.sh_type == SHT_DYNAMIC)
			read_dynamic(elf, section, &header, facts);
		else if (header.sh_type == SHT_DYNSYM)
			read_symbols(elf, section, &header, facts);
	}
}

static void read_loader(Elf *elf, int fd, struct elf_facts *facts)
{
	size_t count = 0;
	GElf_Phdr header;
	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &header); i++) {
		if (header.p_type != PT_INTERP)
			continue;
		size_t size = header.p_filesz < sizeof(facts->loader) - 1 ? header.p_filesz : sizeof(facts->loader) - 1;
		ssize_t got = pread(fd, facts->loader, size, (off_t)header.p_offset);
		facts->loader[got > 0 ? got : 0] = '\0';
	}
}

/** Open, checked up to the ELF head. @return NULL if the file cannot be read or understood; then nothing is known */
static bool read_elf(int fd, struct elf_facts *facts)
{
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf)
		return false;
	read_loader(elf, fd, facts);
	read_sections(elf, facts);
	elf_end(elf);
	return true;
}

static unsigned head_machine(const unsigned char *head, ssize_t size, unsigned *elf_class)
{
	if (size < 20 || memcmp(head, ELFMAG, SELFMAG) != 0)
		return 0;
	*elf_class = head[EI_CLASS];
	return head[EI_DATA] == ELFDATA2MSB ? head[18] << 8 | head[19] : head[19] << 8 | head[18];
}

unsigned target_machine(const char *path, unsigned *elf_class)
{
	unsigned char head[20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t size = read(fd, head, sizeof(head));
	close(fd);
	return head_machine(head, size, elf_class);
}

static int check_machine(struct check *check, const char *path, unsigned machine, unsigned elf_class)
{
	unsigned our_class = 0;
	unsigned our_machine = target_machine(check->library, &our_class);
	if (elf_class != our_class && our_class)
		return refuse(check->target, EXIT_HEAPTRACE, "other word size",
			      "%s is a %s-bit program, but libheaptrace.so is made for %s-bit ones; "
			      "use a heaptrace built for it, or --force to run it untraced",
			      path, elf_class == ELFCLASS32 ? "32" : "64", our_class == ELFCLASS32 ? "32" : "64");
	if (machine != our_machine && our_machine)
		return refuse(check->target, EXIT_HEAPTRACE, "other machine",
			      "%s is made for another machine (ELF machine %u, libheaptrace.so has %u); "
			      "use a heaptrace built for it, or --force to try all the same",
			      path, machine, our_machine);
	return 0;
}

static int check_elf_facts(struct check *check, const char *path, const struct elf_facts *facts)
{
	if (!facts->loader[0])
		return refuse(check->target, EXIT_HEAPTRACE, "static program",
			      "%s is a static program: there is no loader that could bring in libheaptrace.so; "
			      "link it without -static, or use --force to run it untraced", path);
	if (strncmp(base_name(facts->loader), "ld-musl", 7) == 0)
		return refuse_preload(check->target, "other C library",
				      "%s is made for musl, libheaptrace.so for glibc; "
				      "build the program for glibc, or use --force to run it untraced", path);
	if (access(facts->loader, F_OK))
		return refuse(check->target, EXIT_NOT_EXECUTABLE, "no loader",
			      "%s cannot be executed: its loader %s is missing; install the C library it was built for",
			      path, facts->loader);
	if (facts->fragile)
		return refuse_preload(check->target, "sanitizer",
				      "%s is built with a sanitizer (%s), which bears no library before its own; "
				      "build it without, or use --force to run it untraced", path,
				      facts->sanitizer ? facts->sanitizer : "linked in");
	if (facts->own_malloc)
		return refuse(check->target, EXIT_HEAPTRACE, "own malloc",
			      "%s brings its own malloc, which comes before every library's: nothing would be counted; "
			      "build it with the C library's malloc or a shared allocator, or use --force to run it", path);
	if (facts->sanitizer)
		return refuse(check->target, EXIT_HEAPTRACE, "sanitizer",
			      "%s is built with a sanitizer (%s), which will not have another malloc before its own; "
			      "build it without, or use --force to try all the same", path, facts->sanitizer);
	return 0;
}

static int check_elf(struct check *check, const char *path, int fd, const unsigned char *head, ssize_t size,
		     const struct stat *status)
{
	unsigned elf_class = 0;
	unsigned machine = head_machine(head, size, &elf_class);
	struct elf_facts facts = {0};
	int exit_code = check_machine(check, path, machine, elf_class);
	if (exit_code)
		return exit_code;
	const char *rights = gains_rights(path, status);
	if (rights)
		return refuse(check->target, EXIT_HEAPTRACE, rights,
			      "%s is a %s: the loader ignores LD_PRELOAD for it; run heaptrace as the user whose rights "
			      "it takes, trace a copy without them, or use --force to run it untraced", path, rights);
	if (!read_elf(fd, &facts) || facts.is_loader)
		return 0;
	return check_elf_facts(check, path, &facts);
}

/** Neither ELF nor "#!": execvp() gives it to /bin/sh, which takes text only. */
static int check_headless(struct check *check, const char *path, const char *head, ssize_t size)
{
	size_t line = 0;
	while (line < (size_t)size && head[line] != '\n')
		line++;
	if (memchr(head, '\0', line))
		return refuse(check->target, EXIT_NOT_EXECUTABLE, "unknown format",
			      "%s cannot be executed: it is neither an ELF program nor a script", path);
	return check_script(check, path, "/bin/sh", NULL);
}

static int check_open_file(struct check *check, const char *path, int fd, const struct stat *status)
{
	char head[HEAD_SIZE + 1] = "";
	char *interpreter, *argument;
	ssize_t size = pread(fd, head, HEAD_SIZE, 0);
	if (size < 0)
		return 0;
	if (size >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		return check_elf(check, path, fd, (unsigned char *)head, size, status);
	if (split_script(head, (size_t)size, &interpreter, &argument))
		return check_script(check, path, interpreter, argument);
	return check_headless(check, path, head, size);
}

static int check_file(struct check *check, const char *path)
{
	struct stat status;
	if (stat(path, &status))
		return refuse(check->target, errno == EACCES ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND, "not found",
			      "%s: %s; check the name", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse(check->target, EXIT_NOT_EXECUTABLE, "no program", "%s cannot be executed: it is %s", path,
			      S_ISDIR(status.st_mode) ? "a directory" : "no regular file");
	if (access(path, X_OK))
		return refuse(check->target, EXIT_NOT_EXECUTABLE, "not executable",
			      "%s cannot be executed: %s; 'chmod +x' it if it is a program", path, strerror(errno));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		const char *rights = gains_rights(path, &status);
		return rights ? refuse(check->target, EXIT_HEAPTRACE, rights, "%s is a %s: the loader ignores LD_PRELOAD "
				       "for it; use --force to run it untraced", path, rights) : 0;
	}
	int exit_code = check_open_file(check, path, fd, &status);
	close(fd);
	return exit_code;
}

int target_check(struct target *target, const char *path, const char *library)
{
	struct check check = {target, library, 0};
	target->exit_code = 0;
	target->reason = NULL;
	target->bare = false;
	target->text[0] = '\0';
	if (path != target->path)
		snprintf(target->path, sizeof(target->path), "%s", path);
	return check_file(&check, target->path);
}

int target_find(struct target *target, const char *program, const char *library)
{
	if (strchr(program, '/'))
		return target_check(target, program, library);
	if (!*program)
		return refuse(target, EXIT_NOT_FOUND, "not found", "the name of the program is empty; give a program to run");
	int error = search_path(program, target->path, sizeof(target->path));
	if (error == EACCES)
		return refuse(target, EXIT_NOT_EXECUTABLE, "not executable",
			      "%s cannot be executed: what PATH has of that name is no executable file", program);
	if (error)
		return refuse(target, EXIT_NOT_FOUND, "not found",
			      "%s not found: it is in no directory of PATH; check the name or give its path", program);
	return target_check(target, target->path, library);
}
