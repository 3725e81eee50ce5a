#!/bin/sh
# SPDX-License-Identifier: MIT
# The file of a line is the one that the line is in: of an inline function the header, after link-time optimisation the
# source. In DWARF 5 addr2line 2.40 takes the wrong one at the beginning of a sequence.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >header.h <<'C'
#include <cstdlib>
inline __attribute__((noinline)) void *from_header(int size)
{
	return malloc(size + 1);
}
C
cat >includes.cc <<'C'
#include "header.h"


void *volatile kept;
int main() { kept = from_header(71); return 0; }
C
cat >first.c <<'C'
#include <stdlib.h>
void *volatile kept;
volatile int calls;
void second(void);
static __attribute__((noinline)) void first(void)
{
	kept = malloc(72);
	second();
	calls++;
}
int main(void)
{
	first();
	return 0;
}
C
cat >second.c <<'C'
#include <stdlib.h>
extern void *volatile kept;
static inline __attribute__((always_inline)) void *inlined(void)
{
	return malloc(73);
}

__attribute__((noinline)) void second(void)
{
	kept = inlined();
}
C

# where BYTES: the places of the block of so many bytes, without those of libc
where()
{
	"$HT" --no-cache --format=json ./program | jq -r --argjson bytes "$1" '[.processes[0].backtraces[] | select(.live_bytes == $bytes)
		| .frames[1:][] | select(.module | endswith("/program")) | select(.line) | "\(.function) \(.file):\(.line)"] | join(", ")'
}

for build in "${CXX:-g++} -gdwarf-5" "${CXX:-g++} -gdwarf-5 -gz=zlib" "${CXX:-g++} -gdwarf-4"; do
	$build -O1 -fno-builtin -o program includes.cc || bail "builds with $build"
	is "$(where 72)" "from_header(int) header.h:4, main includes.cc:5" "a header: ${build#* }"
done
if command -v clang++ >/dev/null; then
	clang++ -gdwarf-5 -O1 -fno-builtin -o program includes.cc || bail "builds with clang++"
	is "$(where 72 | sed 's,\./,,')" "from_header(int) header.h:4, main includes.cc:5" "a header: clang++"
fi
for flags in "-gdwarf-5 -O2" "-gdwarf-5 -O2 -gz=zlib" "-gdwarf-5 -O0" "-gdwarf-4 -O2"; do
	# shellcheck disable=SC2086
	${CC:-gcc} -flto $flags -fno-builtin -o program first.c second.c 2>cc.err || { skip "LTO: $flags" "it is not here"; continue; }
	is "$(where 72)" "first first.c:7, main first.c:13" "link-time optimisation, the first file: $flags"
	is "$(where 73)" "inlined second.c:5, second second.c:10, first first.c:8, main first.c:13" "the second, and an inlined function: $flags"
done
done_testing
