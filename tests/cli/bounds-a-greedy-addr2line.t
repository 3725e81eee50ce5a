#!/bin/sh
# SPDX-License-Identifier: MIT
# An addr2line that eats memory is stopped by a limit: names without lines, said once, and the machine lives.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1
cat >eat.c <<'C'
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
	size_t eaten = 0;
	for (char *p; eaten < (1u << 30) && (p = malloc(16 << 20)); eaten += 16 << 20)
		memset(p, 1, 16 << 20);
	if (eaten >= 1u << 30)
		creat("ate-too-much", 0600);
	return 9;
}
C
${CC:-gcc} -O1 -w -o eat eat.c || bail "the eater was built"
"$HT" -q --save="$T/kept.htrace" --outfile=/dev/null "$GUESTS/leak"
run env HEAPTRACE_ADDR2LINE_MEGABYTES=200 "$HT" report --no-cache --addr2line="$T/eat" "$T/kept.htrace"
is "$status" 0 "the report is there"
like "$out" ' leak_a .0x9$' "names without lines"
is "$(printf '%s\n' "$err" | grep -c 'no lines')" 1 "said once"
ok "$([ ! -e ate-too-much ]; echo $?)" "it could not eat a gigabyte"
done_testing
