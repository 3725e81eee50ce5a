// SPDX-License-Identifier: MIT

/*
 * Names of the same program built, split and stripped in every shape that debug info comes in. The program prints the
 * return addresses of some calls of its own; each must get the name and the line that the source has.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../tools/symbols.h"
#include "../lib/naming.h"
#include "../lib/tap.h"

static const char source[] =
	"#define _GNU_SOURCE\n#include <link.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
	"static int first(struct dl_phdr_info *i, size_t s, void *p)\n{\n\t*(unsigned long *)p = i->dlpi_addr;\n\treturn 1;\n}\n"
	"__attribute__((noinline)) void here(const char *what)\n{\n\tunsigned long bias;\n"
	"\tdl_iterate_phdr(first, &bias);\n"
	"\tprintf(\"%s %lx %lx\\n\", what, (unsigned long)__builtin_return_address(0), bias);\n}\n"
	"__attribute__((noinline, noreturn)) void stop(const char *what)\n{\n\tunsigned long bias;\n"
	"\tdl_iterate_phdr(first, &bias);\n"
	"\tprintf(\"%s %lx %lx\\n\", what, (unsigned long)__builtin_return_address(0), bias);\n\texit(0);\n}\n"
	"volatile int n;\n"
	"#line 100 \"fix.c\"\n"
	"static inline __attribute__((always_inline)) void inner(void)\n{\n\there(\"inner\"); /* line 102 */\n\tn++;\n}\n"
	"#line 200\n"
	"static __attribute__((noinline)) void outer(void)\n{\n\tn++;\n\tinner(); /* line 203 */\n\tn++;\n}\n"
	"#line 300\n"
	"__attribute__((noinline)) void visible(void)\n{\n\touter();\n\there(\"visible\"); /* line 303 */\n\tn++;\n}\n"
	"#line 400\n"
	"static __attribute__((noinline)) void ends(void)\n{\n\tn++;\n\tstop(\"ends\"); /* line 403 */\n}\n"
	"#line 500\n"
	"__attribute__((noinline)) void neighbour(void)\n{\n\tn++;\n}\n"
	"int main(void)\n{\n\tvisible();\n\tif (n > 1000)\n\t\tneighbour();\n\tends();\n}\n";

static char directory[] = "/tmp/shapes.XXXXXX";

static void write_source(void)
{
	char *path = NULL;
	FILE *out;

	if (asprintf(&path, "%s/fixture.c", directory) < 0 || !(out = fopen(path, "w")))
		exit(1);
	fputs(source, out);
	fclose(out);
	free(path);
}

/** One shape: how to build `program` (and `original`, which runs), and the names that are expected. */
struct shape {
	const char *name;
	const char *needs;
	const char *build;
	const char *inner, *visible, *ends;
	const char *path;      /* of the module, "program" if NULL */
	const char *debug_dir;
};

#define FULL_INNER "(inner) fix.c:102;outer fix.c:203"
#define FULL_VISIBLE "visible fix.c:303"
#define FULL_ENDS "ends fix.c:403"
#define FULL FULL_INNER, FULL_VISIBLE, FULL_ENDS
/* What was inlined is described in the common file: addr2line 2.40 has its lines, but not its name. */
#define BESIDE NULL
#define BUILT "{ [ -e original ] || cp program original; }"
#define SPLIT "gcc -g -O2 -o program fixture.c && cp program original && objcopy --only-keep-debug program program.debug && strip program"

/* As Fedora does it: what .dynsym does not have, in a packed file of its own. */
#define MINI "gcc -g -O2 -o program fixture.c && cp program original && nm -D --format=posix --defined-only program | cut -d' ' -f1 | " \
	"sort >dynamic && nm --format=posix --defined-only program | awk '$2 ~ /^[Tt]$/ { print $1 }' | sort >all && " \
	"comm -13 dynamic all >keep && objcopy --only-keep-debug program whole && " \
	"objcopy -S --remove-section .comment --keep-symbols=keep whole mini && strip program && xz mini && " \
	"objcopy --add-section .gnu_debugdata=mini.xz program"

static const struct shape shapes[] = {
	{ "-g -O0", "gcc", "gcc -g -O0 -o program fixture.c", FULL, NULL, NULL },
	{ "-g -O2 with inlining", "gcc", "gcc -g -O2 -o program fixture.c", FULL, NULL, NULL },
	{ "no debug info", "gcc", "gcc -g0 -O2 -o program fixture.c", "outer", "visible", "ends", NULL, NULL },
	{ "stripped: nobody's neighbour", "gcc", "gcc -O2 -rdynamic -o program fixture.c && cp program original && strip program",
	  "?", "visible", "?", NULL, NULL },
	{ "LTO", "gcc", "gcc -g -O2 -flto -o program fixture.c", FULL, NULL, NULL },
	{ "non-PIE", "gcc", "gcc -g -O2 -no-pie -o program fixture.c", FULL, NULL, NULL },
	{ "zlib-compressed DWARF", "gcc", "gcc -g -O2 -gz=zlib -o program fixture.c", FULL, NULL, NULL },
	{ "DWARF made smaller by dwz", "dwz", "gcc -g -O2 -o program fixture.c && dwz program && cp program original", FULL, NULL, NULL },
	{ "dwz, part of the DWARF in a common file", "dwz",
	  "gcc -g -O2 -o program fixture.c && cp program second && dwz -m common.debug -M $PWD/common.debug program second && "
	  "readelf -S program | grep -q gnu_debugaltlink && rm second && cp program original", BESIDE, FULL_VISIBLE, FULL_ENDS, NULL, NULL },
	{ "dwz, in a debug directory as Debian has it", "dwz",
	  "gcc -g -O2 -o program fixture.c && cp program original && objcopy --only-keep-debug program program.debug && "
	  "cp program.debug second && mkdir -p deb/.dwz && dwz -m deb/.dwz/common.debug -M $PWD/deb/.dwz/common.debug program.debug second && "
	  "readelf -S program.debug | grep -q gnu_debugaltlink && id=$(readelf -n program | sed -n 's/.*Build ID: //p') && "
	  "mkdir -p deb/.build-id/$(echo $id | cut -c1-2) && mv program.debug deb/.build-id/$(echo $id | sed 's,^..,&/,').debug && "
	  "rm second && strip program", BESIDE, FULL_VISIBLE, FULL_ENDS, NULL, "deb" },
	{ "mini debug info", "xz", MINI, "outer", "visible", "ends", NULL, NULL },
	{ "mini debug info that cannot be unpacked", "xz", MINI " && echo rubbish >mini.xz && "
	  "objcopy --update-section .gnu_debugdata=mini.xz program", "?", "?", "?", NULL, NULL },
	{ "DWARF 5", "gcc", "gcc -gdwarf-5 -O2 -o program fixture.c", FULL, NULL, NULL },
	{ "DWARF 4", "gcc", "gcc -gdwarf-4 -O2 -o program fixture.c", FULL, NULL, NULL },
	{ "split DWARF: functions without lines", "gcc", "gcc -g -O2 -gsplit-dwarf -o program fixture.c", "outer",
	  "visible", "ends", NULL, NULL },
	{ "split DWARF by clang", "clang", "clang -g -O2 -gsplit-dwarf -Wno-everything -o program fixture.c", "outer fix.c:102",
	  FULL_VISIBLE, FULL_ENDS, NULL, NULL },
	{ "split DWARF, the .dwo lost", "gcc", "gcc -g -O2 -gsplit-dwarf -o program fixture.c && rm *.dwo", "outer",
	  "visible", "ends", NULL, NULL },
	{ "without build id", "gcc", "gcc -g -O2 -Wl,--build-id=none -o program fixture.c", FULL, NULL, NULL },
	{ "clang", "clang", "clang -g -O2 -Wno-everything -o program fixture.c", FULL, NULL, NULL },
	{ "clang and lld (p_vaddr is not p_offset)", "ld.lld",
	  "clang -g -O2 -Wno-everything -fuse-ld=lld -Wl,--build-id -o program fixture.c", FULL, NULL, NULL },
	{ "split file by debug link, beside", "objcopy", SPLIT " && objcopy --add-gnu-debuglink=program.debug program",
	  FULL, NULL, NULL },
	{ "split file by debug link, in .debug", "objcopy",
	  SPLIT " && objcopy --add-gnu-debuglink=program.debug program && mkdir .debug && mv program.debug .debug/",
	  FULL, NULL, NULL },
	{ "split file by build id in --debug-dir", "objcopy",
	  SPLIT " && id=$(readelf -n original | sed -n 's/.*Build ID: //p') && d=dbg/.build-id/$(echo $id | cut -c1-2) && "
	  "mkdir -p $d && mv program.debug $d/$(echo $id | cut -c3-).debug", FULL, NULL, "dbg" },
	{ "split file by name in --debug-dir", "objcopy", SPLIT " && mkdir dbg && mv program.debug dbg/", FULL, NULL, "dbg" },
	{ "split file, no build id, checksum right", "objcopy",
	  "gcc -g -O2 -Wl,--build-id=none -o program fixture.c && cp program original && objcopy --only-keep-debug program "
	  "program.debug && strip program && objcopy --add-gnu-debuglink=program.debug program", FULL, NULL, NULL },
	{ "split file, no build id, checksum wrong", "objcopy",
	  "gcc -g -O2 -Wl,--build-id=none -o program fixture.c && cp program original && objcopy --only-keep-debug program "
	  "program.debug && strip program && objcopy --add-gnu-debuglink=program.debug program && echo >>program.debug",
	  "?", "?", "?", NULL, NULL },
	{ "somebody else's debug file", "objcopy",
	  SPLIT " && objcopy --add-gnu-debuglink=program.debug program && gcc -g -O1 -o program.debug fixture.c", "?", "?", "?",
	  NULL, NULL },
	{ "rebuilt since", "gcc", "gcc -g -O2 -o program fixture.c && cp program original && gcc -g -O1 -o program fixture.c",
	  "?", "?", "?", NULL, NULL },
	{ "rebuilt since, the old one in --debug-dir", "gcc",
	  "gcc -g -O2 -o program fixture.c && cp program original && mkdir dbg && cp program dbg/ && gcc -g -O1 -o program "
	  "fixture.c", FULL, NULL, "dbg" },
	{ "deleted since", "gcc", "gcc -g -O2 -o original fixture.c", "?", "?", "?", NULL, NULL },
	{ "a path with spaces", "gcc", "gcc -g -O2 -o original fixture.c && mkdir 'a b' && cp original 'a b/c d'", FULL, "a b/c d",
	  NULL },
	{ "a path that is no UTF-8", "gcc", "gcc -g -O2 -o original fixture.c && cp original \"$(printf 'x\\377y')\"", FULL,
	  "x\377y", NULL },
	{ "a path that begins with a dash", "gcc", "gcc -g -O2 -o original fixture.c && cp original ./-x", FULL, "-x", NULL },
};

/** Run the program and check the names of what it prints. */
static void check_shape(const struct shape *shape)
{
	struct options options;
	struct fixture fixture;
	char *path = NULL, *original = NULL, *debug_dir = NULL, line[128];
	const char *expected[] = { shape->inner, shape->visible, shape->ends };
	FILE *output;
	size_t seen = 0;

	options_defaults(&options);
	if (asprintf(&path, "%s/%s", directory, shape->path ? shape->path : "program") < 0 ||
	    asprintf(&original, "%s/original", directory) < 0 ||
	    asprintf(&debug_dir, "%s/%s", directory, shape->debug_dir ? shape->debug_dir : "") < 0)
		exit(1);
	if (shape->debug_dir)
		options.debug_dir = debug_dir;
	naming_identify(&fixture, path, original);
	output = popen(original, "r");
	while (fgets(line, sizeof(line), output) && seen < 3) {
		unsigned long address = 0, bias = 0;
		char what[16] = "", *text;

		sscanf(line, "%15s %lx %lx", what, &address, &bias);
		text = naming_describe(&fixture, address, bias, &options);
		if (expected[seen])
			is_str(text, expected[seen], "%s: %s", shape->name, what);
		else
			has(text, " fix.c:102;outer fix.c:203", "the lines");
		free(text);
		seen++;
	}
	is_int(seen, 3, "%s: all three places", shape->name);
	pclose(output);
	symbols_forget();
	free(path);
	free(original);
	free(debug_dir);
}

static void check_shapes(void)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (!naming_have(shapes[i].needs)) {
			skip(shapes[i].name, "a tool is missing");
			continue;
		}
		naming_run(directory, "find . -mindepth 1 ! -name fixture.c -delete");
		if (!ok(naming_run(directory, shapes[i].build) && naming_run(directory, BUILT), "%s: builds", shapes[i].name))
			continue;
		check_shape(&shapes[i]);
	}
}

int main(void)
{
	setenv("HEAPTRACE_CACHE", "off", 1);
	unsetenv("DEBUGINFOD_URLS");
	if (!mkdtemp(directory) || chdir(directory))
		return 1;
	setenv("PWD", directory, 1);
	write_source();
	check_shapes();
	naming_run(directory, "find . -mindepth 1 -delete");
	rmdir(directory);
	return tap_done();
}
