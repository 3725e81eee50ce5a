#!/bin/sh
# SPDX-License-Identifier: MIT
# What is sent to the launcher reaches the program once; stops and continues together.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >catch.c <<'C'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static volatile sig_atomic_t count, last;
static void handler(int signal) { char c = '0' + signal % 10; count++; last = signal; write(1, &c, 1); }
int main(void)
{
	int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
	for (int i = 0; i < 5; i++) signal(signals[i], handler);
	write(1, "ready\n", 6);
	while (last != SIGTERM) pause();
	return count;
}
C
${CC:-gcc} -w -o catch catch.c || bail "compiled"
start "$HT" ./catch
wait_until 20 file_has bg.out ready || bail "it came up"
for signal in HUP:1 INT:2 QUIT:3; do
	kill -${signal%:*} "$pid"
	wait_until 20 sh -c "tail -1 bg.out | grep -q '${signal#*:}$'"
	ok $? "SIG${signal%:*} reaches the program"
done
kill -TERM "$pid"
wait "$pid"
is "$?" 4 "SIGTERM too, each of them once"

start "$HT" --outfile=report "$GUESTS/hang"
wait_until 20 file_has bg.out ready || bail "it came up"
program=$(children "$pid" | tr -d ' ')
kill -TSTP "$pid"
wait_until 20 grep -q '^State:.*[tT]' "/proc/$program/status"
ok $? "SIGTSTP stops the program"
kill -CONT "$pid"
wait_until 20 grep -q '^State:.*S' "/proc/$program/status"
ok $? "SIGCONT continues it"
kill -TERM "$pid"
wait "$pid"
is "$?" 143 "SIGTERM: dies of it like the program"
like "$(cat report)" 'size  : 1\.100 KB' "with a report"
done_testing
