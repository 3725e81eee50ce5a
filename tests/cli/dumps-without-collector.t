#!/bin/sh
# SPDX-License-Identifier: MIT
# Launcher and collector killed, or stopped: the program goes on, `heaptrace dump` says what has happened and still has the
# figures, of fork children too; another user is told what can be done.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >serve.c <<'C'
#include <stdlib.h>
#include <unistd.h>
static void leak(int n, size_t size) { while (n--) if (!malloc(size)) abort(); }
int main(void)
{
	char c;
	leak(10, 110);
	if (fork() == 0) { leak(3, 20); for (;;) pause(); }
	write(1, "ready\n", 6);
	while (read(0, &c, 1) == 1) { leak(1000, 50); write(1, "leaked\n", 7); }
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -o serve serve.c || bail "compiled"

# begin: $pid the launcher, $program, $child, $collector
begin()
{
	converse setsid "$HT" --outfile=/dev/null ./serve
	program=$(children "$pid" | tr -d ' ')
	child=$(children "$program" | tr -d ' ')
	collector=$(collector "$pid")
	reap_later "$program" "$child" "$collector"
	[ -n "$collector" ] || bail "found the collector"
}

begin
kill -9 $pid "$collector"
wait $pid
wait_until 20 gone "$collector"
echo >&9
wait_until 20 file_has bg.out leaked
ok $? "both killed: the program goes on"
ht dump --format=json "$program"
is "$status" 0 "dump: status"
is "$(json '.processes[0].totals | "\(.live_blocks) \(.live_bytes)"' out)" "1010 51100" "the figures are those of now"
like "$err" 'collector of this run has been killed' "it says what has happened"
ht dump --format=json "$child"
is "$(json '.processes[] | "\(.totals.live_blocks) \(.totals.live_bytes)"' out)" "3 60" "a fork child's, too"
if [ "$(id -u)" -eq 0 ] && setpriv --bounding-set=-sys_admin,-checkpoint_restore --inh-caps=-sys_admin,-checkpoint_restore true 2>/dev/null; then
	# Without these capabilities the segment itself cannot be opened: its pages are copied.
	run setpriv --bounding-set=-sys_admin,-checkpoint_restore --inh-caps=-sys_admin,-checkpoint_restore "$HT" dump --format=json "$program"
	is "$(json '.processes[0].totals | "\(.live_blocks) \(.live_bytes)"' out)" "1010 51100" "out of the process's memory: the same"
else
	skip "out of the process's memory" "no capabilities to be given up"
fi
if nobody_works; then
	as_nobody "$HT" dump "$program"
	is "$status" 125 "another user: 125"
	like "$err" 'belongs to another user; ask as that user or as root' "and what can be done"
else
	skip "another user" "needs root, setpriv and a build directory that others may enter"
fi
exec 9>&-
kill -9 "$child"

begin
kill -STOP "$collector"
ht dump --format=json "$program"
is "$status:$(json '.processes[0].totals.live_bytes' out)" 0:1100 "the collector is stopped: the figures come out of the process"
like "$err" 'does not answer' "and it is said"
if command -v strace >/dev/null && strace -o calls true 2>/dev/null; then
	run strace -e trace=connect -o calls "$HT" dump "$program"
	is "$(grep -c "$TMPDIR/heaptrace-.*/socket.* = 0" calls)" 1 "it was waited for once, though its directory is found in more than one way"
else
	skip "waited for once" "no strace, or it may not trace here"
fi
kill -CONT "$collector"
exec 9>&-
kill -9 "$child"
wait $pid
is "$?" 0 "continued, all ends well"
done_testing
