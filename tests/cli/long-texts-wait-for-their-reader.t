#!/bin/sh
# SPDX-License-Identifier: MIT
# A text far longer than the collector holds at once arrives whole, named, also where its reader is slow to begin.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >writer.c <<'C'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define LINES 600000
int main(void)
{
	int (*write_text)(int, const char *, size_t) = (int (*)(int, const char *, size_t))dlsym(RTLD_DEFAULT, "heaptrace_text_v1");
	size_t used = 0, room = LINES * 64;
	char *text = malloc(room);
	for (int i = 0; i < LINES; i++) {
		used += (size_t)sprintf(text + used, "line %d of a long text that is not short\n", i);
		if (i % 100000 == 0) used += (size_t)sprintf(text + used, "\1%lx\n", (unsigned long)main + 1);
	}
	int result = write_text ? write_text(1, text, used) : -1;
	fprintf(stderr, "result %d\n", result);
	return result != 0;
}
C
${CC:-gcc} -g -fno-builtin -o writer writer.c || bail "compiled"
# Longer than a collector is waited for that does not answer at all.
TIMEOUT=110 run sh -c '"$HT" --outfile=report ./writer | { sleep 8; cat; } >text'
like "$err" '^result 0$' "it was written"
is "$(grep -c '^line [0-9]* of a long text that is not short$' text)" 600000 "every line has come"
is "$(grep -c '^--- 0x[0-9a-f]*: main at .*writer\.c:' text)" 6 "with the names"
is "$(wc -l <text)" 600006 "and nothing else"
is "$(grep '^line' text | sort -c -n -k2,2 2>&1)" "" "in order"
done_testing
