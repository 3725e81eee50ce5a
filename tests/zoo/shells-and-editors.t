#!/bin/sh
# SPDX-License-Identifier: MIT
# bash and dash scripts, vim -es, tmux.
. "${0%/*}/../lib/zoo.sh"
need bash dash vim tmux
cat >script <<'S'
total=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	total=$((total + $(echo "$i" | tr -d '\n')))
done
echo "total $total"
(exit 3) || echo "subshell $?"
f() { local x="$1"; [ "$x" -gt 0 ] && f $((x - 1)); }
f 20
trap 'echo trapped' EXIT
cat <<X | sort | head -n 2
b
a
c
X
exit 9
S
behaves "bash" bash script
behaves "dash" dash script
exact "bash alone" bash -c 'declare -A a; for ((i = 0; i < 2000; i++)); do a[k$i]=$((i * i)); done; echo ${#a[@]} ${a[k1999]}'
exact "dash alone" dash -c 'i=0; while [ $i -lt 500 ]; do eval "v$i=$i"; i=$((i + 1)); done; echo $v499'
behaves "kill by a signal" bash -c 'kill -TERM $$'
printf 'one\ntwo\nthree\n' >text
behaves "vim -es" vim -u NONE -i NONE -n -es -c '%s/o/0/g' -c 'w! changed' -c 'qa!' text
is "$(cat changed)" "0ne
tw0
three" "vim did its work"
cat >tmux.sh <<'S'
rm -f "$PWD/pane"
tmux -S "$PWD/sock" -f /dev/null new-session -d -x 80 -y 24 'sh -c "echo in the pane > pane; sleep 0.2"' &&
i=0; while [ ! -s pane ] && [ $i -lt 100 ]; do sleep 0.1; i=$((i + 1)); done
cat pane
tmux -S "$PWD/sock" kill-server 2>/dev/null
exit 0
S
behaves "tmux" sh tmux.sh
done_testing
