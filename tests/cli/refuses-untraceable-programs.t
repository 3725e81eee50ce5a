#!/bin/sh
# SPDX-License-Identifier: MIT
# Static, setuid, foreign programs: refused with the reason and the remedy; --force runs them untraced all the same.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

printf '#include <unistd.h>\nint main(void) { return write(1, "ran\\n", 4) == 4 ? 5 : 1; }\n' >program.c
if ${CC:-gcc} -static -o static program.c 2>/dev/null; then
	ht ./static
	is "$status" 125 "static: 125"
	like "$err" 'static' "says that it is static"
	like "$err" 'link\|--force' "says what to do"
	is "$out" "" "does not run"
	ht --force ./static
	is "$status:$out" "5:ran" "--force runs it"
	printf '#!%s\n' "$T/static" >script && chmod +x script
	ht ./script
	is "$status" 125 "a script with a static interpreter: 125"
	like "$err" 'static' "says why"
	ht sh -c './static; exit 3'
	is "$status" 3 "a static child runs"
	like "$err" 'not seen.*static\|static.*not seen\|not traced' "and is named in the report"
else
	skip "static programs" "no static C library"
fi
${CC:-gcc} -static-pie -o static-pie program.c 2>/dev/null && {
	ht ./static-pie
	is "$status" 125 "static PIE: 125"
}
${CC:-gcc} -o dynamic program.c || bail "compiled"
cp dynamic setuid && chmod u+s setuid
if nobody_works; then
	as_nobody "$HT" ./setuid
	is "$status" 125 "setuid: 125"
	like "$err" 'setuid\|set-user-ID' "says why"
	ht ./setuid
	is "$status" 5 "setuid of our own user is traced"
else
	skip "setuid" "needs root, setpriv and a build directory that others may enter"
fi
# The ELF header's class, or machine, changed.
{ head -c 4 dynamic; printf '\001'; tail -c +6 dynamic; } >class32 && chmod +x class32
ht ./class32
case $status in 125 | 126) pass "32-bit: $status";; *) fail "32-bit" "status $status";; esac
like "$err" '32' "says why"
{ head -c 18 dynamic; printf '\267\000'; tail -c +21 dynamic; } >aarch64 && chmod +x aarch64
ht ./aarch64
case $status in 125 | 126) pass "another machine: $status";; *) fail "another machine" "status $status";; esac
like "$err" 'machine\|aarch64\|AArch64\|183' "says why"

cat >own.c <<'C'
#include <stddef.h>
static char heap[1 << 20];
static size_t used;
void *malloc(size_t size) { used += (size + 31) & ~15ul; return heap + used - size - (-size & 15); }
void free(void *p) { }
void *calloc(size_t n, size_t size) { return malloc(n * size); }
void *realloc(void *p, size_t size) { return malloc(size); }
int main(void) { return malloc(100) ? 6 : 1; }
C
${CC:-gcc} -fno-builtin -w -rdynamic -o own own.c || bail "compiled"
ht ./own
is "$status" 125 "a program with a malloc of its own: 125"
like "$err" 'own malloc' "says that nothing would be seen"
ht --force ./own
is "$status" 6 "--force runs it"
ht sh -c './own; exit 3'
is "$status" 3 "as a child it runs"
like "$err" 'not seen.*malloc\|not seen.*own' "and is named in the report"

# What would not even start with the library in LD_PRELOAD is forced to run without it. ($1: compiler, $2: flag)
for built in "gcc address" "gcc thread" "clang thread" "clang memory" musl-gcc; do
	# shellcheck disable=SC2086
	set -- $built
	rm -f fragile
	$1 ${2:+-fsanitize=$2} -o fragile program.c 2>/dev/null
	run ./fragile
	if [ "$status" -ne 5 ]; then
		skip "$built" "cannot be built, or does not run here"
		continue
	fi
	ht ./fragile
	is "$status" 125 "$built: 125"
	ht --force ./fragile
	is "$status:$out" "5:ran" "$built: --force runs it"
	like "$err" 'nothing was traced: .*\(sanitizer\|musl\)' "$built: and says why nothing is traced"
done
done_testing
