#!/bin/sh
# SPDX-License-Identifier: MIT
# ls, sort, find, grep, sed, awk, tar, date.
. "${0%/*}/../lib/zoo.sh"
need ls sort find grep sed awk tar
mkdir files && for i in 1 2 3 4 5 6 7 8 9; do echo "line $i" >"files/file$i"; done
exact "ls -lR" ls -lR files
exact "ls of nothing" ls /nonexistent
exact "find" find files -name 'file[3-5]'
exact "grep -r" grep -rn 'line [2-4]' files
exact "sed" sed 's/line/LINE/g; 2q' files/file1 files/file2
exact "awk" awk '{ n[$2 % 3]++ } END { for (i = 0; i < 3; i++) print i, n[i] }' files/file1 files/file2 files/file3
exact "sort" sort -r files/file1 files/file2 files/file3
exact "tar" tar -tf /dev/null
done_testing
