#!/bin/sh
# SPDX-License-Identifier: MIT
# A signal reaches the program once, whoever it was sent to: the launcher, the process group (kill -- -PGID, timeout(1),
# the program's own `kill 0`), or the terminal. What tells them apart is in nobody's way.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

# Says a letter for each signal, in order; ends at SIGQUIT. At SIGALRM it sends SIGHUP to its group.
cat >catch.c <<'C'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
static volatile sig_atomic_t ended;
static void handler(int number)
{
	char c = number == SIGHUP ? 'h' : number == SIGINT ? 'i' : number == SIGTERM ? 't' : number == SIGUSR1 ? 'u' : 'q';
	if (number == SIGALRM) kill(0, SIGHUP);
	else write(1, &c, 1);
	ended |= number == SIGQUIT;
}
int main(int argc, char **argv)
{
	int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGALRM, SIGQUIT, SIGUSR1};
	struct sigaction action = {.sa_handler = handler};
	sigfillset(&action.sa_mask);
	for (int i = 0; i < 5 + (argc > 1); i++) sigaction(signals[i], &action, 0);
	if (malloc(10)) write(1, "ready\n", 6);
	while (!ended) pause();
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -o catch catch.c || bail "compiled"

# lead CMD...: start it as the leader of a session and a group of its own; $pid
lead() { start setsid "$@"; wait_until 20 file_has bg.out ready || bail "it came up"; }
to_group() { env kill "-$1" -- "-$pid"; }
heard() { tail -n 1 bg.out; }
hears() { wait_until 20 file_has bg.out "$1"; }
# After it the launcher has nothing left to pass on: signals are judged in their order.
finish() { kill -QUIT "${1:-$pid}"; wait "$pid"; status=$?; }

lead "$HT" ./catch
kill -HUP "$pid"
hears h
to_group INT
hears i
kill -TERM "$pid"
hears t
finish
is "$status:$(heard)" "0:hitq" "to the launcher, to the group, to the launcher: each once"

lead "$HT" ./catch
kill -ALRM "$pid"
hears h
finish
is "$(heard)" hq "the program's own kill(0, SIGHUP)"

lead timeout 600 "$HT" ./catch
kill -TERM "$pid" # it sends that to the launcher, and to the group
hears t
finish "$(children "$pid" | tr -d ' ')"
is "$(heard)" tq "by timeout(1)"
lead timeout --foreground 600 "$HT" ./catch
kill -TERM "$pid"
hears t
finish "$(children "$pid" | tr -d ' ')"
is "$(heard)" tq "by timeout --foreground, which sends to the launcher only"

if sanitized; then
	skip "nested" "the address sanitizer can not be preloaded"
else
	lead "$HT" "$HT" ./catch
	kill -HUP "$pid"
	hears h
	to_group TERM
	hears t
	finish
	is "$(heard)" htq "nested: each once"
fi

# The program has a group of its own: what goes to the launcher's does not reach it.
lead "$HT" setsid ./catch
to_group TERM
hears t
finish
is "$(heard)" tq "a program that has left the group: passed on"

# Dumps
lead "$HT" --outfile="$T/dumps" ./catch
to_group USR1
wait_until 20 file_has dumps 'sorted by size'
ok $? "USR1 to the group: a dump"
finish
is "$(grep -c 'USR1' dumps)" 1 "one"
rm -f dumps
lead "$HT" --outfile="$T/dumps" ./catch own
to_group USR1
wait_until 20 file_has dumps 'sorted by size'
ok $? "also if the program has a handler of its own for it"
finish
is "$(heard):$(grep -c 'USR1' dumps)" uq:1 "which runs once, beside one dump"

# The witness
lead "$HT" --outfile=/dev/null ./catch
program=$(children "$pid" | tr -d ' ')
is "$(cat "/proc/$program/comm")" catch "the launcher has one child"
group=$(ps -e -o pid=,pgid=,args= | awk -v g="$pid" '$2 == g { $1 = $2 = ""; print }' | sort)
is "$group" "$(printf '  %s\n' ./catch "$HT --outfile=/dev/null ./catch" ht-witness | sort)" "in the group: launcher, program, witness"
witness=$(ps -e -o pid=,pgid=,comm= | awk -v g="$pid" '$2 == g && $3 == "ht-witness" { print $1 }')
is "$(readlink "/proc/$witness/cwd") $(find "/proc/$witness/fd" -lname '/*' ! -lname /dev/null)" "/ " "which holds no file, and no directory"
to_group STOP
wait_until 20 grep -q '^State:.*T' "/proc/$witness/status"
kill -CONT "$pid" "$program"
kill -TERM "$pid"
hears t
ok $? "stopped with the group and not continued, it does not keep a signal back"
kill -9 "$witness"
kill -INT "$pid"
hears i
ok $? "nor killed"
finish
is "$status:$(heard)" 0:tiq "each once"
lead "$HT" ./catch
finish
to_group 0 2>/dev/null
is "$?" 1 "the group is empty when the launcher has returned"

# The terminal's ^C, and the shell's job control: launcher and program stop and go on as one.
cat >terminal.py <<'P'
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
def until(text):
    global seen
    while text not in seen:
        seen += os.read(terminal, 1000)
until(b"ready")
os.write(terminal, b"\x03")
until(b"i")
os.kill(pid, 15)
until(b"t")
os.write(terminal, b"\x1c")
until(b"q")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "".join(c for c in seen.decode().split("ready")[1] if c in "hitq"))
P
run python3 terminal.py "$HT" --outfile=/dev/null ./catch
is "$out" "0 itq" "^C of the terminal, and a signal to the launcher: each once"
# A program that takes a dump signal and gives it back, by sigaction() or signal(): it dumps again, and nobody dies.
cat >gives-back.c <<'C'
#include <signal.h>
#include <unistd.h>
static volatile int caught;
static void handler(int number) { caught++; }
int main(void)
{
	struct sigaction action = {.sa_handler = handler};
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGUSR2, handler);
	raise(SIGUSR1);
	raise(SIGUSR2);
	action.sa_handler = SIG_DFL;
	sigaction(SIGUSR1, &action, NULL);
	if (signal(SIGUSR2, SIG_DFL) != handler) return 2;
	raise(SIGUSR1);
	raise(SIGUSR2);
	return caught != 2;
}
C
${CC:-gcc} -w -o gives-back gives-back.c || bail "compiled"
ht --outfile="$T/given-back" ./gives-back
is "$status" 0 "a dump signal that the program gives back"
done_testing
