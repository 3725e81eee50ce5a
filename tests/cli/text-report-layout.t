#!/bin/sh
# SPDX-License-Identifier: MIT
# The text report: the reference's lines, in their order, on stderr; nothing on stdout.
. "${0%/*}/../lib/tap.sh"

ht --color=never "$GUESTS/leak"
is "$status" 0 "status"
is "$out" "" "nothing on stdout"
pid=$(printf '%s\n' "$err" | sed -n 's,.*initialized for /proc/\([0-9]*\)/maps.*,\1,p')
skeleton=$(printf '%s\n' "$err" | sed -e "s,/proc/$pid/,/proc/PID/,; s/0x[0-9a-f]*/ADDR/g; s/+ADDR/+OFF/" \
	-e 's/[0-9][0-9.]* \([KMG]B\|bytes\)/SIZE/g; s/age: [0-9].*\]/age: AGE]/; s/^\(.*(VSS.*\) ([0-9.]* ms before)$/\1/; s, (/*[^ ]*\.[ch]:[0-9]*)$,,' \
	-e 's,^ \([0-9]\) \[ADDR\] \([a-zA-Z_]*\) .*, \1 \2,' | grep -v '^ [4-9]')
is "$skeleton" "[heaptrace] initialized for /proc/PID/maps (leak)
[heaptrace] finalized for /proc/PID/maps (leak)
=================================================================
[heaptrace] dump allocation status for /proc/PID/maps (leak) sorted by size
=== backtrace #1 === [count/peak: 10/10] [size/peak: SIZE/SIZE] [age: AGE]
 0 malloc
 1 leak
 2 leak_a
 3 main

[heaptrace] heap traced num of backtrace : 1
[heaptrace] heap traced allocation size  : SIZE
[heaptrace] heap traced peak / total     : SIZE / SIZE
[heaptrace] allocator info (virtual)     : SIZE
[heaptrace] allocator info (resident)    : SIZE
[heaptrace] statm info (VSS/RSS/shared)  : SIZE / SIZE / SIZE
=================================================================" "the lines of the reference"
like "$err" '\[size/peak: 1\.100 KB/1\.100 KB\]' "KB is 1,000 bytes, three decimals"
like "$err" 'heap traced allocation size  : 1\.100 KB$' "live bytes of the whole"
like "$err" 'heap traced peak / total     : 1\.100 KB / 1\.100 KB$' "peak and total of the whole"
like "$err" ' 0 \[0x[0-9a-f]*\] malloc +0x[0-9a-f]*$' "frame 0 is the entry point with address and offset"
like "$err" '_start +0x[0-9a-f]*$' "the outermost frame is _start"
unlike "$err" 'libheaptrace\.so' "none of our own frames"
unlike "$err" 'not seen' "nothing was missed, so nothing is said"

ht --color=never "$GUESTS/leak" 3 333
like "$err" '\[count/peak: 3/3\] \[size/peak: 999 bytes/999 bytes\]' "below 1,000: bytes"
ht --color=never "$GUESTS/leak" 2 1234567
like "$err" 'heap traced allocation size  : 2\.469 MB' "2,469,134 bytes are 2.469 MB"
ht --color=never "$GUESTS/leak" 1 1000500
like "$err" 'size/peak: 1\.001 MB' "rounded half up"
done_testing
