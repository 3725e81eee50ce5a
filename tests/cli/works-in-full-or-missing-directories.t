#!/bin/sh
# SPDX-License-Identifier: MIT
# No room in $TMPDIR or XDG_RUNTIME_DIR, full disks: said before the program starts where it can be known.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

run env TMPDIR=/nonexistent "$HT" "$GUESTS/leak"
case $status in
0) like "$err" '=== backtrace' "TMPDIR missing: another place serves";;
125) like "$err" '/nonexistent' "TMPDIR missing: 125, named";;
*) fail "TMPDIR missing" "status $status: $err";;
esac
run env XDG_RUNTIME_DIR=/nonexistent "$HT" --color=never "$GUESTS/leak"
is "$status" 0 "XDG_RUNTIME_DIR missing: TMPDIR serves"
like "$err" '=== backtrace' "with a report"

[ -w /dev/full ] || skip_all "no /dev/full"
ht --outfile=/dev/full "$GUESTS/leak" 1 1 6
case $status in
6 | 125) pass "outfile on a full device: the program's status, or 125 before it starts";;
*) fail "outfile on a full device" "status $status";;
esac
like "$err" 'No space left\|/dev/full' "and a message"

if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	mkdir disk
	cat >full.sh <<'SH'
mount -t tmpfs -o size=64k none disk || exit 77
head -c 100000 /dev/zero >disk/filler 2>/dev/null
"$HT" --outfile=disk/report --save=disk/run.htrace "$GUESTS/leak" 1 1 7
echo "status $?"
ls disk
TMPDIR=$T/disk "$HT" --outfile=$T/report "$GUESTS/leak" 1 1 8
echo "status $?"
SH
	run unshare -m sh full.sh
	like "$out" 'status 7\|status 125' "full disk: the program's status, or 125 before it starts"
	like "$err" 'No space left' "and why"
	is "$(printf '%s\n' "$out" | grep -c '^report\|^run')" 0 "nothing half-written is left"
	like "$out" 'status 8\|status 125' "no room in TMPDIR: the same"
else
	skip "full disk" "can not mount here"
fi
done_testing
