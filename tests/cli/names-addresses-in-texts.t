#!/bin/sh
# SPDX-License-Identifier: MIT
# heaptrace_text_v1: text goes out as it is but for marks, which become names, and zeroes, which go; what only looks like a
# mark stays in the text without its first byte; what is no longer loaded has no name.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >gone.c <<'C'
#include <stdlib.h>
void *soon_gone(void) { void *volatile p = malloc(10); return p; }
C
cat >texts.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int (*write_text)(int, const char *, size_t);
static void *volatile kept;
__attribute__((noinline)) void here(void) { kept = malloc(1); }
static void put(const char *what, unsigned long address)
{
	char text[200];
	int length = sprintf(text, "%s\n\1%lx\nafter\n", what, address);
	write_text(1, text, (size_t)length);
}
int main(void)
{
	static const char odd[] = "zero \0 goes\nnone:\1\nno hexadecimal \1xyz\nno end \1" "12 z\ntoo long \1" "12345678123456789\nlast \1" "abc";
	write_text = (int (*)(int, const char *, size_t))dlsym(RTLD_DEFAULT, "heaptrace_text_v1");
	here();
	write_text(1, odd, sizeof(odd) - 1);
	write_text(1, "\n", 1);
	put("in here", (unsigned long)here + 1);
	put("nowhere", 0x1234);
	void *library = dlopen("./libgone.so", RTLD_NOW);
	void *(*function)(void) = (void *(*)(void))dlsym(library, "soon_gone");
	kept = function();
	put("loaded", (unsigned long)function + 1);
	dlclose(library);
	kept = malloc(1);
	put("unloaded", (unsigned long)function + 1);
	return 0;
}
C
${CC:-gcc} -g -O1 -fno-builtin -fPIC -shared -w -o libgone.so gone.c || bail "compiled"
${CC:-gcc} -g -O1 -fno-builtin -w -o texts texts.c -ldl || bail "compiled"
ht -q --outfile=report ./texts
is "$status:$err" 0: "status"
is "$(sed 's/0x[0-9a-f]*/ADDRESS/g; s/ at [^ ]*texts\.c:[0-9]*$/ at texts.c/; s/ at [^ ]*gone\.c:[0-9]*$/ at gone.c/; /^--- ADDRESS: ?? at /s/ at .*//' out)" \
	"zero  goes
none:
no hexadecimal xyz
no end 12 z
too long 12345678123456789
last abc
in here
--- ADDRESS: here at texts.c
after
nowhere
--- ADDRESS: ??
after
loaded
--- ADDRESS: soon_gone at gone.c
after
unloaded
--- ADDRESS: ??
after" "with a collector: names"
run env LD_PRELOAD="$BUILD/libheaptrace.so" HEAPTRACE_SAVE="$T/%p.htrace" ./texts
is "$(head -n 3 out | tr '\000\001' '01')" "zero  goes
none:
no hexadecimal xyz" "without: the same text"
is "$(grep -c '^---' out)" 0 "and no names"
done_testing
