#!/bin/sh
# SPDX-License-Identifier: MIT
# An addr2line that hangs is not waited for again with the next file: names without lines, said once.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

for name in one two three; do
	printf '#include <stdlib.h>\nvoid *kept_%s;\nvoid in_%s(void) { kept_%s = malloc(10); }\n' $name $name $name >$name.c
	${CC:-gcc} -g -O0 -fno-builtin -shared -fPIC -o $name.so $name.c || bail "compiled"
done
printf 'void in_one(void);\nvoid in_two(void);\nvoid in_three(void);\nint main(void) { in_one(); in_two(); in_three(); return 0; }\n' >program.c
${CC:-gcc} -g -w -o program program.c ./one.so ./two.so ./three.so || bail "compiled"

printf '#!/bin/sh\necho "$@" >>"%s/calls"\nexec sleep 1000\n' "$T" >hangs
chmod +x hangs
export HEAPTRACE_ADDR2LINE_SECONDS=1
ht --no-cache --color=never --addr2line=./hangs ./program
is "$status" 0 "the program's status"
is "$(wc -l <calls)" 1 "asked once"
is "$(printf '%s\n' "$err" | grep -c 'hangs hung and was stopped')" 1 "said once"
is "$(printf '%s\n' "$err" | grep -c '^ 1 .* in_[a-z]* +0x[0-9a-f]*$')" 3 "names without lines"
done_testing
