#!/bin/sh
# SPDX-License-Identifier: MIT
# Small and unlimited stacks, no /proc, an 80 MiB memory cgroup, a read-only file system.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

for limit in 128 unlimited; do
	run sh -c "ulimit -s $limit && exec \"\$HT\" --format=json --outfile=\"\$T/json\" \"\$GUESTS/leak\" 5 50 3"
	is "$status" 3 "stack limit $limit: status"
	is "$(totals)" "5 0 250 5 250" "stack limit $limit: exact"
done
mkfifo streams
run sh -c 'cat <streams >seen & (ulimit -f 0 && exec "$HT" --flame-graph "$GUESTS/leak" 5 50 3) >streams 2>&1; status=$?; wait; cat seen; exit $status'
case $out in
*'leak 250') pass "no files may be written: the report still comes through a pipe";;
*) like "$status $out" '^125 heaptrace: .*too large' "no files may be written: said before the program starts";;
esac
run sh -c "ulimit -n 16 && exec \"\$HT\" --format=json --outfile=\"\$T/json\" \"\$GUESTS/leak\" 5 50 3"
is "$status:$(totals)" "3:5 0 250 5 250" "16 descriptors"

if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null && ! sanitized; then
	run unshare -m sh -c 'umount -l /proc && exec "$HT" --format=json --outfile="$T/noproc" "$GUESTS/leak" 5 50 3'
	case $status in
	3) is "$(json '.processes[0].totals.live_bytes' noproc)" 250 "no /proc: exact";;
	125) like "$err" '/proc' "no /proc: said before the program starts";;
	*) fail "no /proc" "status $status: $err";;
	esac
	ht_json unshare -m sh -c 'umount -l /proc && exec "$GUESTS/leak" 5 50 3'
	is "$status" 3 "a child without /proc: status"
	like "$(json '.processes[].totals.live_bytes')" '^250$' "a child without /proc: traced"
else
	skip "no /proc" "can not unmount it here, or has the address sanitizer"
fi

# Version 2, or version 1 of the memory controller
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	cgroup=/sys/fs/cgroup/ht-test-$$ limit=memory.max
else
	cgroup=/sys/fs/cgroup/memory/ht-test-$$ limit=memory.limit_in_bytes
fi
if [ "$(id -u)" -eq 0 ] && mkdir "$cgroup" 2>/dev/null && echo 83886080 2>/dev/null >"$cgroup/$limit" &&
	[ "$(cat "$cgroup/$limit")" = 83886080 ]; then
	survived=0
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		run sh -c "echo \$\$ >$cgroup/cgroup.procs && exec \"\$HT\" --format=json --outfile=\"\$T/json\" \"\$GUESTS/edges-half-million-live\""
		[ "$status" -eq 0 ] && [ "$(json '.processes[0].totals.live_blocks')" = 500000 ] && survived=$((survived + 1))
	done
	is "$survived" 10 "ten runs in a memory cgroup of 80 MiB"
	wait_until 10 rmdir "$cgroup"
else
	rmdir "$cgroup" 2>/dev/null
	skip "a memory cgroup of 80 MiB" "no writable cgroup with a memory controller"
fi
done_testing
