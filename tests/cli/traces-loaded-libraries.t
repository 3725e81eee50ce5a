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

# The same addresses, but frames of another size: what was known of the first library's is void, also for a thread that
# did not load the second one and whose stack looks as it did.
cat >shape.c <<'C'
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
__asm__(".globl " TEXT(NAME) "\n.type " TEXT(NAME) ", @function\n" TEXT(NAME) ":\n.cfi_startproc\n"
	"sub $" TEXT(ROOM) ", %rsp\n.cfi_adjust_cfa_offset " TEXT(ROOM) "\nmov $10, %edi\ncall malloc@PLT\n"
	"add $" TEXT(ROOM) ", %rsp\n.cfi_adjust_cfa_offset -" TEXT(ROOM) "\nret\n.cfi_endproc\n.size " TEXT(NAME) ", . - " TEXT(NAME) "\n");
C
for shape in "odd 24" "even 24" "narrow 24" "wide 120"; do
	# shellcheck disable=SC2086
	set -- $shape
	${CC:-gcc} -fPIC -shared -DNAME=in_$1 -DROOM=$2 -o lib$1.so shape.c || bail "compiled"
done
cat >others.c <<'C'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
static void *(*make)(void);
static pthread_barrier_t barrier;
static const char *const names[][2] = {{"./libodd.so", "in_odd"}, {"./libeven.so", "in_even"}, {"./libnarrow.so", "in_narrow"}, {"./libwide.so", "in_wide"}};
static int first;
static void *load(void *unused)
{
	void *before = NULL;
	int again = 0;
	for (int i = 0; i < 100; i++) {
		void *library = dlopen(names[first + i % 2][0], RTLD_NOW);
		make = (void *(*)(void))dlsym(library, names[first + i % 2][1]);
		again += (void *)make == before;
		before = (void *)make;
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		dlclose(library);
	}
	fprintf(stderr, "%s\n", again ? "address reused" : "always another address");
	return NULL;
}
static __attribute__((noinline)) void call(void)
{
	for (int i = 0; i < 100; i++) {
		pthread_barrier_wait(&barrier);
		if (!make()) abort();
		pthread_barrier_wait(&barrier);
	}
}
int main(int argc, char **argv)
{
	pthread_t thread;
	first = atoi(argv[1]);
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, load, NULL);
	call();
	pthread_join(thread, NULL);
	return 0;
}
C
${CC:-gcc} -w -O1 -pthread -o others others.c -ldl || bail "compiled"
# whole NAME: blocks of its backtraces that lead through call() to main()
whole() { json "[.processes[0].backtraces[] | select(([.frames[1:4][].function] | join(\" \")) == \"$1 call main\" and (.truncated | not)) | .total_blocks] | add"; }
ht_json ./others 0
is "$status" 0 "another thread loads libraries: status"
like "$err" 'address reused' "at the same address"
is "$(whole in_odd) $(whole in_even)" "50 50" "each block is named after the library that it came from"
ht_json ./others 2
like "$err" 'address reused' "with frames of another size, at the same address"
is "$(whole in_narrow) $(whole in_wide)" "50 50" "their callers are found"

printf '#define _GNU_SOURCE\n#include <link.h>\nunsigned la_version(unsigned v) { return LAV_CURRENT; }\nunsigned la_objopen(struct link_map *m, Lmid_t l, uintptr_t *c) { return LA_FLG_BINDTO | LA_FLG_BINDFROM; }\n' >audit.c
${CC:-gcc} -fPIC -shared -w -o audit.so audit.c || bail "compiled"
run env LD_AUDIT="$T/audit.so" "$GUESTS/leak" 2 20 4
plain=$status
run sh -c 'LD_AUDIT=$T/audit.so exec "$HT" --format=json --outfile="$T/audited" "$GUESTS/leak" 2 20 4'
is "$status" "$plain" "LD_AUDIT: status as untraced"
is "$(json '.processes[0].totals.live_bytes' audited)" 40 "LD_AUDIT: exact"
done_testing
