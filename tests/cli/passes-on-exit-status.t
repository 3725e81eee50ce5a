#!/bin/sh
# SPDX-License-Identifier: MIT
# The exit status is the program's own; death by a signal is passed on as death by that signal.
. "${0%/*}/../lib/tap.sh"

for expected in 0 1 3 42 125 126 127 255; do
	ht "$GUESTS/leak" 1 1 $expected
	is "$status" $expected "exit $expected"
done
cat >"$T/how.py" <<'PY'
import subprocess, sys
print(subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode)
PY
for signal in HUP:1 INT:2 QUIT:3 ILL:4 ABRT:6 FPE:8 KILL:9 USR1:10 SEGV:11 USR2:12 PIPE:13 ALRM:14 TERM:15 XFSZ:25 SYS:31; do
	run env python3 "$T/how.py" "$HT" --signals=none sh -c "kill -${signal%:*} \$\$"
	is "$out" "-${signal#*:}" "death by SIG${signal%:*}"
done
for program in ends-abort:-6 ends-segv:-11 ends-sigkill:-9; do
	run python3 "$T/how.py" "$HT" "$GUESTS/${program%:*}"
	is "$out" "${program#*:}" "${program%:*}"
done
ht "$GUESTS/nothing-of-this-name"
is "$status" 127 "not found: 127"
done_testing
