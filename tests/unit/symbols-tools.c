// SPDX-License-Identifier: MIT

/*
 * The tool that knows the lines may be another one, missing, crash, hang, answer nonsense or eat memory: the functions are
 * named all the same. And what it said once is kept, safely and within bounds.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/symbols.h"
#include "../../tools/symbols_cache.h"
#include "../lib/naming.h"
#include "../lib/tap.h"

static const char source[] =
	"#include <stdio.h>\nvolatile int n;\n"
	"__attribute__((noinline)) void here(void)\n{\n\tprintf(\"%lx %lx\\n\", (long)__builtin_return_address(0), 0L);\n}\n"
	"#line 100 \"fix.c\"\n"
	"static inline __attribute__((always_inline)) void inner(void)\n{\n\there();\n\tn++;\n}\n"
	"__attribute__((noinline)) void outer(void)\n{\n\tinner();\n\tn++;\n}\n"
	"int main(void)\n{\n\touter();\n}\n";

#define NAMED "(inner) fix.c:102;outer fix.c:107"

static char directory[] = "/tmp/tools.XXXXXX";
static uint64_t address;
static char program[256];
static struct fixture fixture;

static char *path_of(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *out = fopen(path_of(name), "w");

	fputs(text, out);
	fclose(out);
	chmod(path_of(name), mode);
}

static char *read_file(const char *name)
{
	FILE *file = fopen(path_of(name), "r");
	char *text = calloc(1, 65536);

	if (file && fread(text, 1, 65535, file) == 0)
		text[0] = '\0';
	if (file)
		fclose(file);
	return text;
}

static void build_program(void)
{
	FILE *out;

	write_file("fixture.c", source, 0644);
	if (!naming_run(directory, "gcc -g -O2 -no-pie -o program fixture.c"))
		exit(1);
	out = popen(path_of("program"), "r");
	if (fscanf(out, "%lx", &address) != 1)
		exit(1);
	pclose(out);
	snprintf(program, sizeof(program), "%s", path_of("program"));
	naming_identify(&fixture, program, program);
}

/** The names of the address, asked of a fresh process's memory; what goes to stderr goes to the file `said`. */
static char *names_with(const struct options *options)
{
	int kept = dup(STDERR_FILENO);
	char *text;

	fflush(stderr);
	if (!freopen(path_of("said"), "a", stderr))
		exit(1);
	text = naming_describe(&fixture, address, 0, options);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	symbols_forget();
	return text;
}

static char *names_by(const char *tool)
{
	struct options options;

	options_defaults(&options);
	options.addr2line = tool;
	return names_with(&options);
}

static void is_named(const char *tool, const char *expected, const char *promise)
{
	char *text = names_by(tool);

	is_str(text, expected, "%s", promise);
	free(text);
}

static void serves_other_tools(void)
{
	const char *const tools[] = { "addr2line", "llvm-addr2line", "llvm-symbolizer", "llvm-symbolizer-14" };

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		if (naming_have(tools[i]))
			is_named(tools[i], NAMED, tools[i]);
		else
			skip(tools[i], "not installed");
	}
}

/** What is done between fork and exec must not need memory that the helper's limit forbids: we may be larger than that. */
static void bears_large_environment(void)
{
	static char *large[40002], variables[40000][16];
	char **kept = environ;
	size_t count = 0;

	for (; count < 40000; count++) {
		snprintf(variables[count], sizeof(variables[count]), "V%zu=1", count);
		large[count] = variables[count];
	}
	snprintf(variables[0], sizeof(variables[0]), "PATH=/usr/bin");
	environ = large;
	is_named("addr2line", NAMED, "a large environment");
	environ = kept;
}

static void obeys_options(void)
{
	struct options options;
	char *text, tool[256];

	snprintf(tool, sizeof(tool), "%s", path_of("counting"));
	write_file("counting", "#!/bin/sh\necho x >>calls\nexec addr2line \"$@\"\n", 0755);
	options_defaults(&options);
	options.addr2line = tool;
	options.lines = false;
	text = names_with(&options);
	is_str(text, "outer", "--no-lines: the function only");
	ok(access(path_of("calls"), F_OK) != 0, "and the tool is not started");
	free(text);
	options.lines = true;
	options.inlines = false;
	text = names_with(&options);
	is_str(text, "outer fix.c:107", "--no-inlines: the real function, and where it is");
	free(text);
}

/** A tool that is a shell script. */
static void survives(const char *script, const char *promise, const char *message)
{
	char *said, text[4096], tool[256];

	write_file("said", "", 0644);
	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	write_file("broken", text, 0755);
	snprintf(tool, sizeof(tool), "%s", path_of("broken"));
	is_named(tool, "outer", promise);
	said = read_file("said");
	if (message)
		has(said, message, "that is said");
	free(said);
}

static void survives_broken_tools(void)
{
	time_t start = time(NULL);
	char *said;

	setenv("HEAPTRACE_ADDR2LINE_SECONDS", "1", 1);
	is_named("/nonexistent/addr2line", "outer", "a tool that is missing");
	said = read_file("said");
	has(said, "[heaptrace] addr2line was not found, so names have no lines", "that is said");
	free(said);
	survives("exit 3", "a tool that fails", "broken failed on");
	survives("kill -SEGV $$", "a tool that crashes", "broken crashed on");
	survives("sleep 1000", "a tool that hangs", "broken hung and was stopped on");
	survives("yes 'what is this'", "a tool that answers nonsense", "broken answered nonsense on");
	survives("kill -SEGV $$", "a tool that crashes again", NULL);
	said = read_file("said");
	is_str(said, "", "the same trouble is said once");
	free(said);
	survives("tr -d x", "answers without addresses", NULL);
	survives("while read a; do echo 0x1; echo f; echo f.c:1; done", "answers to other questions", NULL);
	survives("read a; echo $a; echo half", "half an answer", NULL);
	survives("head -c 3000000 /dev/zero | tr '\\0' a; sleep 1000", "an endless line", NULL);
	survives("cat /dev/zero", "zeros", NULL);
	survives("exec >&-; sleep 1000", "a tool that closes its output and stays", NULL);
	survives("exec <&-; sleep 1000", "a tool that does not listen", NULL);
	survives("(sleep 1000 &) ; exit 0", "a tool that leaves a child with its output", NULL);
	survives("read a; echo $a; echo '?'; echo '?:0'", "no answer", NULL);
	ok(time(NULL) - start < 30, "all within the deadlines");
	unsetenv("HEAPTRACE_ADDR2LINE_SECONDS");
}

static size_t calls(void)
{
	char *text = read_file("calls");
	size_t count = strlen(text) / 2;

	free(text);
	unlink(path_of("calls"));
	return count;
}

/** The one file of the cache. */
static char *cache_file(void)
{
	static char path[512];
	DIR *dir = opendir(path_of("cache/heaptrace"));
	struct dirent *entry;

	path[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		if (strstr(entry->d_name, ".lines"))
			snprintf(path, sizeof(path), "%s/cache/heaptrace/%s", directory, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return path;
}

static void damage(long at)
{
	FILE *file = fopen(cache_file(), "r+");
	int c;

	fseek(file, at, at < 0 ? SEEK_END : SEEK_SET);
	c = fgetc(file);
	fseek(file, -1, SEEK_CUR);
	fputc(c ^ 1, file);
	fclose(file);
}

/** --no-cache: as if there were none, in both directions. */
static void leaves_the_cache_alone(const char *tool)
{
	struct options options;
	struct stat before, after;
	char *text;

	options_defaults(&options);
	options.addr2line = tool;
	options.cache = false;
	stat(cache_file(), &before);
	text = names_with(&options);
	is_str(text, NAMED, "--no-cache");
	free(text);
	is_int(calls(), 1, "the tool is asked");
	stat(cache_file(), &after);
	ok(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec, "nothing is kept, nothing read");
}

/** Places where nothing can be kept: names are found all the same. */
static void bears_bad_places(const char *tool)
{
	const char *const places[] = { "/dev/null", "/proc/self", "/nonexistent/a/b", "relative", "", path_of("fixture.c") };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		setenv("XDG_CACHE_HOME", places[i], 1);
		is_named(tool, NAMED, *places[i] ? places[i] : "(empty)");
		is_int(calls(), 1, "is no place for a cache");
	}
	ok(access("relative", F_OK) != 0, "nothing is made in the current directory");
}

static void keeps_what_was_said(void)
{
	char *tool = strdup(path_of("counting"));
	struct stat status;

	unsetenv("HEAPTRACE_CACHE");
	setenv("XDG_CACHE_HOME", path_of("cache"), 1);
	calls();
	is_named(tool, NAMED, "the first time");
	is_int(calls(), 1, "the tool is asked");
	ok(stat(cache_file(), &status) == 0 && (status.st_mode & 0777) == 0600, "what it said is kept, for us only");
	is_named(tool, NAMED, "the second time");
	is_int(calls(), 0, "it is not asked again");
	damage(-3);
	is_named(tool, NAMED, "a damaged file");
	is_int(calls(), 1, "is not believed");
	damage(5);
	is_named(tool, NAMED, "a damaged head");
	is_int(calls(), 1, "is not believed either");
	if (truncate(cache_file(), 30))
		diag("truncate");
	is_named(tool, NAMED, "a truncated file");
	is_int(calls(), 1, "neither");
	setenv("HEAPTRACE_CACHE", "off", 1);
	is_named(tool, NAMED, "switched off");
	is_int(calls(), 1, "the tool is asked");
	unsetenv("HEAPTRACE_CACHE");
	leaves_the_cache_alone(tool);
	chmod(path_of("cache/heaptrace"), 0777);
	is_named(tool, NAMED, "a directory that others can write to");
	is_int(calls(), 1, "is not believed");
	chmod(path_of("cache/heaptrace"), 0700);
	setenv("HOME", "/nonexistent", 1);
	bears_bad_places(tool);
	setenv("XDG_CACHE_HOME", path_of("cache"), 1);
	free(tool);
}

static void stays_bounded(void)
{
	struct line line = { "function", "file.c", 7 };
	struct place places[100];
	size_t count = 0;
	char key[32];
	DIR *dir;

	setenv("HEAPTRACE_CACHE_BYTES", "20000", 1);
	for (size_t i = 0; i < 100; i++)
		places[i] = (struct place) { i, &line, 1 };
	for (size_t i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "key%zu", i);
		cache_save(key, places, 100);
	}
	dir = opendir(path_of("cache/heaptrace"));
	while (readdir(dir))
		count++;
	closedir(dir);
	ok(count > 4 && count < 14, "the oldest files go: %zu are left", count - 2);
	unsetenv("HEAPTRACE_CACHE_BYTES");
}

/** Many writers and readers at once: each reader sees one writer's whole file. */
static void bears_company(void)
{
	struct line line = { "function", "file.c", 7 };
	struct place places[300];
	size_t torn = 0, seen = 0;

	for (size_t i = 0; i < 4; i++) {
		if (fork())
			continue;
		for (size_t j = 0; j < 300; j++)
			places[j] = (struct place) { i, &line, 1 };
		for (size_t j = 0; j < 100; j++)
			cache_save("company", places, 300);
		_exit(0);
	}
	for (size_t i = 0; i < 300; i++) {
		size_t count;
		struct place *loaded = cache_load("company", &count);

		for (size_t j = 0; j < count; j++)
			torn += loaded[j].address != loaded[0].address || count != 300;
		seen += count > 0;
		cache_free(loaded, count);
	}
	while (wait(NULL) > 0)
		;
	is_int(torn, 0, "no reader sees half a file (%zu whole ones)", seen);
}

static void names_long_templates(void)
{
	struct fixture long_one;
	char *text, *found;
	unsigned long place = 0;
	struct options options;
	FILE *out;

	if (!naming_have("g++")) {
		skip("a C++ template of 2,000 characters", "g++ is missing");
		return;
	}
	write_file("long.cc", "#include <cstdio>\ntemplate<class T> struct a_rather_long_name {};\ntypedef a_rather_long_name<int> A;\n"
		   "#define W(n, o) typedef a_rather_long_name<o> n;\n"
		   "W(B,A) W(C,B) W(D,C) W(E,D) W(F,E) W(G,F) W(H,G) W(I,H) W(J,I) W(K,J) W(L,K) W(M,L) W(N,M) W(O,N) W(P,O)\n"
		   "template<class T, class U, class V, class X> __attribute__((noinline)) void go(T, U, V, X)\n"
		   "{\n\tprintf(\"%lx\\n\", (long)__builtin_return_address(0));\n}\n"
		   "template<class T, class U, class V> __attribute__((noinline)) void outer(T t, U u, V v)\n{\n\tgo(t, u, v, t);\n"
		   "\tputs(\"\");\n}\nint main() { outer(P(), a_rather_long_name<P>(), a_rather_long_name<O>()); }\n", 0644);
	ok(naming_run(directory, "g++ -g -O1 -no-pie -o long long.cc"), "a long template builds");
	out = popen(path_of("long"), "r");
	if (fscanf(out, "%lx", &place) != 1)
		return;
	pclose(out);
	naming_identify(&long_one, path_of("long"), path_of("long"));
	options_defaults(&options);
	text = naming_describe(&long_one, place, 0, &options);
	found = strstr(text, " long.cc:");
	ok(found && found - text > 2000, "a name of %ld characters", found ? (long)(found - text) : 0L);
	ok(strncmp(text, "void outer<a_rather_long_name<", 30) == 0, "is demangled");
	free(text);
	symbols_forget();
}

/** The program stripped, its debug file where only debuginfod's client has it. */
static void finds_downloads(void)
{
	struct fixture stripped;
	struct options options;
	char place[300], *text;

	setenv("HEAPTRACE_CACHE", "off", 1);
	ok(naming_run(directory, "gcc -g -O2 -no-pie -o whole fixture.c && cp whole stripped && strip stripped && "
			"id=$(readelf -n whole | sed -n 's/.*Build ID: //p') && mkdir -p dl/debuginfod_client/$id && "
			"objcopy --only-keep-debug whole dl/debuginfod_client/$id/debuginfo"), "a program is stripped");
	options_defaults(&options);
	snprintf(place, sizeof(place), "%s", path_of("stripped"));
	naming_identify(&stripped, place, path_of("whole"));
	text = naming_describe(&stripped, address, 0, &options);
	is_str(text, "?", "no names in it");
	free(text);
	symbols_forget();
	setenv("XDG_CACHE_HOME", path_of("dl"), 1);
	text = naming_describe(&stripped, address, 0, &options);
	is_str(text, NAMED, "names from what debuginfod's client has downloaded");
	free(text);
	symbols_forget();
	unsetenv("XDG_CACHE_HOME");
	mkdir(path_of("bin"), 0755);
	write_file("bin/debuginfod-find", "#!/bin/sh\n[ $1 = debuginfo ] && echo ${0%/*}/../dl/debuginfod_client/$2/debuginfo\n", 0755);
	snprintf(place, sizeof(place), "%s:%s", path_of("bin"), getenv("PATH"));
	setenv("PATH", place, 1);
	snprintf(place, sizeof(place), "%s", path_of("stripped"));
	text = naming_describe(&stripped, address, 0, &options);
	is_str(text, "?", "the network is not asked");
	free(text);
	symbols_forget();
	setenv("DEBUGINFOD_URLS", "http://nobody.invalid", 1);
	options.lines = false;
	text = naming_describe(&stripped, address, 0, &options);
	is_str(text, "?", "not even then with --no-lines");
	free(text);
	symbols_forget();
	options.lines = true;
	text = naming_describe(&stripped, address, 0, &options);
	is_str(text, NAMED, "unless DEBUGINFOD_URLS says where");
	free(text);
	symbols_forget();
}

int main(void)
{
	setenv("HEAPTRACE_CACHE", "off", 1);
	unsetenv("DEBUGINFOD_URLS");
	if (!naming_have("gcc")) {
		skip("everything", "gcc is missing");
		return tap_done();
	}
	if (!mkdtemp(directory) || chdir(directory))
		return 1;
	build_program();
	serves_other_tools();
	bears_large_environment();
	obeys_options();
	survives_broken_tools();
	keeps_what_was_said();
	stays_bounded();
	bears_company();
	names_long_templates();
	finds_downloads();
	naming_run(directory, "find . -mindepth 1 -delete");
	rmdir(directory);
	return tap_done();
}
