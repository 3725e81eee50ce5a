#!/bin/sh
# SPDX-License-Identifier: MIT
# Daemons: the launcher returns when the program does, holds nothing back, says where the report will be.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >daemon.c <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void)
{
	char c;
	int in = open("in", O_RDONLY), pid;
	for (int i = 0; i < 3; i++)
		if (!malloc(1000)) return 1;
	if (fork()) { while (access("pid", F_OK)) usleep(1000); _exit(0); } /* the daemon is there when we go */
	setsid();
	if ((pid = fork())) { FILE *f = fopen("pid.new", "w"); fprintf(f, "%d\n", pid); fclose(f); rename("pid.new", "pid"); _exit(0); }
	for (int i = 0; i < 3; i++) close(i);
	for (int i = 0; i < 5; i++)
		if (!malloc(100)) return 1;
	while (read(in, &c, 1) == 1)
		if (!malloc(10)) return 1;
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -o daemon daemon.c || bail "compiled"
mkfifo in
exec 9<>in
run sh -c 'out=$("$HT" --format=json --outfile=report ./daemon); echo "returned $?"'
is "$out" "returned 0" "\$(heaptrace daemon) returns while the daemon runs"
wait_until 20 test -s pid || bail "the daemon runs"
pid=$(cat pid)
reap_later "$pid"
kill -0 "$pid"
ok $? "the daemon lives"
ht dump --format=json "$pid"
is "$(jq '.processes[] | select(.how_it_ended == "running") | .totals.live_bytes' out)" 500 "it can be dumped"
kill -TERM "$pid"
wait_until 30 gone "$pid"
wait_until 30 sh -c "jq -s -e '[.[].processes[] | select(.pid == $pid and .how_it_ended == \"signal:SIGTERM\")] | length == 1' report*"
ok $? "it reports to --outfile at its end"
is "$(jq -s -r "[.[].processes[] | select(.pid == $pid) | .totals.live_bytes] | map(tostring) | join(\" \")" report*)" 500 "its own blocks"

rm -f pid
mkdir elsewhere
run sh -c '"$HT" ./daemon; echo "returned $?"'
like "$out" "returned 0" "without --outfile"
wait_until 20 test -s pid || bail "the daemon runs"
pid=$(cat pid)
reap_later "$pid"
like "$err" "heaptrace\.daemon\.$pid\.htrace" "the launcher names the snapshot to come"
kill -9 "$pid"
wait_until 30 test -s "heaptrace.daemon.$pid.htrace"
ok $? "which is there after the daemon's end"
run "$HT" report --format=json "heaptrace.daemon.$pid.htrace"
is "$(jq "[.processes[] | select(.pid == $pid)][0] | \"\(.how_it_ended) \(.totals.live_bytes)\"" out)" '"signal:SIGKILL 500"' "and holds its figures"
exec 9>&-
# Which file the message names
mkfifo go
ht --outfile=o.txt sh -c '(read -r x <go; :) & :'
like "$err" 'still running: .*; reports will go to .*/o.txt.PID$' "FILE is the first process's, those that go on have FILE.PID"
: >go
ht --outfile=o.%p.txt sh -c '(read -r x <go; :) & :'
like "$err" 'still running: .*; reports will go to .*/o.%p.txt$' "unless the name has the pid"
: >go

done_testing
