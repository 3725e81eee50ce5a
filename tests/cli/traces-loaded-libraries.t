#!/bin/sh
# SPDX-License-Identifier: MIT
# Constructors and finalisers of preloaded libraries, dlopen and dlclose with another library at the same address,
# RTLD_DEEPBIND, LD_AUDIT.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >preload.c <<'C'
#include <stdlib.h>
static void *kept;
__attribute__((constructor)) static void preload_begins(void) { kept = malloc(1000); if (!malloc(500)) abort(); }
__attribute__((destructor)) static void preload_ends(void) { free(kept); if (!malloc(2000)) abort(); }
C
for name in one two; do
	printf '#include <stdlib.h>\nvoid *work(void) { return malloc(10); }\nvoid *in_%s(void) { return work(); }\nvoid *make(void) { return in_%s(); }\n' $name $name >$name.c
	${CC:-gcc} -fno-builtin -fno-optimize-sibling-calls -O1 -fno-inline -fPIC -shared -w -o lib$name.so $name.c || bail "compiled"
done
${CC:-gcc} -fno-builtin -fPIC -shared -w -o preload.so preload.c || bail "compiled"
cat >main.c <<'C'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	int flags = argc > 1 && !strcmp(argv[1], "deepbind") ? RTLD_DEEPBIND : 0;
	void *first = NULL, *same = NULL;
	int twice = 0;
	for (int i = 0; i < 200; i++) {
		void *library = dlopen(i % 2 ? "./libone.so" : "./libtwo.so", RTLD_NOW | flags);
		void *(*make)(void) = dlsym(library, "make");
		if (i == 0) first = make;
		twice += i > 0 && (void *)make == first;
		if (!make || !make()) return 1;
		dlclose(library);
	}
	fprintf(stderr, "%s\n", twice ? "address reused" : "never the same address");
	return 0;
}
C
${CC:-gcc} -w -o main main.c -ldl || bail "compiled"

rm -f json; run env LD_PRELOAD="$T/preload.so" "$HT" --format=json --outfile="$T/json" "$GUESTS/leak" 1 3
is "$status" 0 "a preloaded library: status"
is "$(function_totals preload_begins)" "2 1500 1 500" "its constructor"
is "$(function_totals preload_ends)" "1 2000 1 2000" "its finaliser"

ht_json ./main
is "$status" 0 "200 times dlopen and dlclose: status"
like "$err" 'address reused' "two libraries at the same address"
is "$(function_totals in_one)|$(function_totals in_two)" "100 1000 100 1000|100 1000 100 1000" "each block is named after the library that it came from"
ht_json ./main deepbind
is "$status" 0 "RTLD_DEEPBIND: status"
is "$(json '[.processes[].unseen | .table_full, .corrupt_records] | add')" 0 "RTLD_DEEPBIND: such a library goes past every preloaded malloc; nothing breaks"

printf '#define _GNU_SOURCE\n#include <link.h>\nunsigned la_version(unsigned v) { return LAV_CURRENT; }\nunsigned la_objopen(struct link_map *m, Lmid_t l, uintptr_t *c) { return LA_FLG_BINDTO | LA_FLG_BINDFROM; }\n' >audit.c
${CC:-gcc} -fPIC -shared -w -o audit.so audit.c || bail "compiled"
run env LD_AUDIT="$T/audit.so" "$GUESTS/leak" 2 20 4
plain=$status
run sh -c 'LD_AUDIT=$T/audit.so exec "$HT" --format=json --outfile="$T/audited" "$GUESTS/leak" 2 20 4'
is "$status" "$plain" "LD_AUDIT: status as untraced"
is "$(json '.processes[0].totals.live_bytes' audited)" 40 "LD_AUDIT: exact"
done_testing
