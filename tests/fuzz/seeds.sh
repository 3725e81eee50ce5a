#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Valid inputs for the fuzz targets to begin with: seeds.sh BUILD DIRECTORY

set -eu
build=$1
out=$2

for target in stream history snapshot segment diff modules elf linetable options rules addr2line perf_map cache fragile; do mkdir -p "$out/$target"; done
"$build/fuzz/seeds" "$out"
HEAPTRACE_SEEDS="$out/snapshot" HEAPTRACE_FUZZ=1 "$build/tests/unit/snapshot-mutations" >/dev/null
rm -f "$out/snapshot/segment" # in granules the same is smaller

cd "$out"
cat >elf/a.s <<'S'
	.text
	.globl f, g
	.type f, @function
	.type g, @function
f:	.skip 32
	.size f, 32
g:	.skip 8
	.size g, 8
local:	.skip 8
	.section .gnu_debuglink, "", @progbits
	.asciz "a.debug"
	.long 0x12345678
S
${CC:-gcc} -nostdlib -shared -Wl,-z,max-page-size=4096 -Wl,--build-id=sha1 -o elf/library elf/a.s
${CC:-gcc} -nostdlib -shared -Wl,--build-id=none -g -Wl,--compress-debug-sections=zlib -o elf/compressed elf/a.s
${CC:-gcc} -c -o elf/object elf/a.s
rm elf/a.s

cat >linetable/a.h <<'C'
static __attribute__((noinline)) int a(int n)
{
	return n * n;
}
C
printf '#include "a.h"\nint f(int n)\n{\n\treturn a(n) + a(n + 1);\n}\n' >linetable/b.c
for flags in -gdwarf-5 '-gdwarf-5 -gz=zlib' -gdwarf-4; do
	# shellcheck disable=SC2086
	${CC:-gcc} $flags -O1 -nostdlib -shared -Wl,-z,noseparate-code -Wl,--build-id=none -o "linetable/library$flags" linetable/b.c
done
rm linetable/a.h linetable/b.c

printf '0--format=json\n--top=3\nprogram\n--top\n' >options/run
printf '1-s\nsize,count\n-qv\n--flame-graph=at-peak\n--\nfile' >options/report
printf '2--color=never\n--depth=30\n--signals=USR1,RTMIN+1,12\n4242' >options/dump
printf '# rules\nplain\nleak:^std::*::push$\nleak:a*b*c\n\000plainly\nstd::vector::push\nxaxbxc\n' >rules/rules
printf '{\n name\n Memcheck:Leak\n match-leak-kinds: all\n fun:malloc\n ...\n obj:*lib?*\n src:*.c\n}\n\000inner\nouter\n' >rules/valgrind
printf '\000\0000x0000000000001000\ninner\nfile.c:12\nouter\n/a/b.c:13 (discriminator 3)\n0x1001\n??\n??:0\n0x1002\nf\nf.c:?\n' >addr2line/gnu
printf '\001\0070x1000\nf\nf.c:1:2\n\n0x1001\ng\ng.c:0:0\n\n' >addr2line/llvm
printf '1000 100 first function\n1000 80 second\n1080 10 third\nffffffffffffff00 100 last\n' >perf_map/map
printf '1000 2\000inner\000file.c\00012\000outer\000b.c\00013\0001001 1\000\000\0000\000' >cache/places
